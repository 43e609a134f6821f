import { StoreFailure } from "../kit/failure.ts";
import { livingNodes } from "./living-nodes.ts";
import type { SqlDatabase, SqlDriver } from "./driver.ts";

/** `exclusive`: this process alone. `shared`: any number of processes on this machine. */
export type StoreMode = "exclusive" | "shared";

/** Exit code "retry later". */
const EXIT_TEMPORARY = 75;

/**
 * Holds the lock file beside the database until it is closed or the process ends, however it ends:
 * the lock is one of SQLite's own on an empty database, exclusive or shared, so none can be stale.
 */
export function lockStore(driver: SqlDriver, path: string, mode: StoreMode): SqlDatabase {
  const lock = driver.open(`${path}.lock`);
  try {
    if (mode === "exclusive") {
      lock.exec("BEGIN EXCLUSIVE");
    } else {
      lock.exec("BEGIN");
      lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    }
    return lock;
  } catch (error) {
    lock.close();
    if (driver.errorCode(error) === undefined) throw error;
    const nodes = livingNodes(driver, path);
    const stranger = mode === "exclusive" ? "another process" : "a process that allows no other";
    const holder = nodes.length === 0 ? stranger : `node ${nodes.join(", ")}`;
    throw new StoreFailure("state.unavailable", `${holder} has opened ${path}`, "not_applied", {
      reason: "store_locked",
      exitCode: EXIT_TEMPORARY,
      hint: "stop it",
      cause: String(error),
    });
  }
}
