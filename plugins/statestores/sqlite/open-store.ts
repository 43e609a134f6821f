import { existsSync, mkdirSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { SchemaStatus, SchemaStep } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import type { SqlDatabase, SqlDriver } from "./driver.ts";
import { networkFileSystem } from "./network-file-system.ts";
import {
  checkCluster,
  EMPTY_SCHEMA,
  inspectSchema,
  migrate,
  refusePending,
  verifySchema,
} from "./schema.ts";
import { BUSY_TIMEOUT_MS, ERASE_CELLS } from "./sqlite-connection.ts";
import { lockStore, type StoreMode } from "./store-lock.ts";

/** Whether a start takes pending steps of the schema, or refuses over them. */
export type MigrateMode = "auto" | "check";

/** What a store is opened with. */
export interface OpenOptions {
  readonly path: string;
  readonly mode: StoreMode;
  readonly cluster: string;
  readonly cacheBytes: number;
  /** `check`: a start takes no step of the schema, and makes no file. */
  readonly migrate: MigrateMode;
}

/** A database that was found sound, and the lock that keeps others out while it is open. */
export interface OpenStore {
  readonly db: SqlDatabase;
  readonly lock: SqlDatabase;
  /** Steps of the schema that were taken. */
  readonly taken: readonly SchemaStep[];
}

const EXIT_CANNOT_CREATE = 73;
const EXIT_IO = 74;
const EXIT_CONFIGURATION = 78;
/** The log may grow to 64 MiB before it is moved: few, large checkpoints cost the least. */
const CHECKPOINT_PAGES = 16_000;
const READONLY = 8;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/**
 * Opens, checks and migrates. Throws a `StoreFailure` with the exit code that says whose matter it
 * is; a database that is refused has not been written to.
 */
export function openStore(driver: SqlDriver, options: OpenOptions): OpenStore {
  const { path, mode, cluster, cacheBytes } = options;
  const check = options.migrate === "check";
  if (check && !existsSync(path)) refusePending(EMPTY_SCHEMA, path);
  checkPlace(path);
  const lock = lockStore(driver, path, mode);
  let db: SqlDatabase | undefined;
  try {
    db = driver.open(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const status = inspectSchema(db, path);
    if (check) refusePending(status, path);
    configure(db, cacheBytes);
    const taken = check ? [] : migrate(db, cluster);
    checkCluster(db, cluster);
    verifySchema(driver, db);
    return { db, lock, taken };
  } catch (error) {
    db?.close();
    lock.close();
    throw startFailure(driver, error, path);
  }
}

/** Where the schema of a store stands, whoever has it open. Writes nothing, and makes no file. */
export function planStore(driver: SqlDriver, { path }: OpenOptions): SchemaStatus {
  if (!existsSync(path)) return EMPTY_SCHEMA;
  let db: SqlDatabase | undefined;
  try {
    db = driver.open(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return inspectSchema(db, path);
  } catch (error) {
    throw startFailure(driver, error, path);
  } finally {
    db?.close();
  }
}

/** Takes the pending steps, as a start does; answers those it took. */
export function migrateStore(driver: SqlDriver, options: OpenOptions): readonly SchemaStep[] {
  const { db, lock, taken } = openStore(driver, { ...options, migrate: "auto" });
  db.close();
  lock.close();
  return taken;
}

function checkPlace(path: string): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const message = `the folder ${folder} of the statestore cannot be made`;
    throw placeFailure(message, "store_path", EXIT_CANNOT_CREATE, { cause: String(cause) });
  }
  const network = networkFileSystem(statfsSync(folder).type);
  if (network !== undefined) {
    const message = `sqlite_network_fs: ${folder} lies on ${network}, where SQLite loses data`;
    throw placeFailure(message, "sqlite_network_fs", EXIT_CONFIGURATION);
  }
  if (!existsSync(path)) return;
  const { mode } = statSync(path);
  // The bits and not an attempt: the administrator may write what the file says must not be.
  if ((mode & 0o222) === 0) {
    throw placeFailure(`store_readonly: ${path} is read-only`, "store_readonly", EXIT_IO);
  }
}

function placeFailure(
  message: string,
  reason: string,
  exitCode: number,
  more: { readonly cause?: string } = {},
): StoreFailure {
  const code = exitCode === EXIT_CONFIGURATION ? "plugin.unsupported" : "state.unavailable";
  return new StoreFailure(code, message, "not_applied", { reason, exitCode, ...more });
}

function configure(db: SqlDatabase, cacheBytes: number): void {
  const journal = db.prepare("PRAGMA journal_mode = WAL").get()?.[0];
  db.exec("PRAGMA synchronous = FULL");
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.exec(`PRAGMA cache_size = -${Math.max(1, Math.floor(cacheBytes / 1024))}`);
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec(ERASE_CELLS);
  const synchronous = db.prepare("PRAGMA synchronous").get()?.[0];
  if (journal === "wal" && synchronous === 2n) return;
  const message = `the store cannot be made durable (journal ${String(journal)})`;
  throw placeFailure(message, "unsafe_durability", EXIT_CONFIGURATION);
}

function startFailure(driver: SqlDriver, error: unknown, path: string): unknown {
  const code = driver.errorCode(error);
  if (code === undefined) return error;
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return new StoreFailure(
      "state.corrupt",
      `${path} is damaged (${String(error)})`,
      "not_applied",
      {
        reason: code === CORRUPT ? "SQLITE_CORRUPT" : "SQLITE_NOTADB",
        exitCode: EXIT_IO,
        hint: "restore the last backup; backups are made by: sqlite3 troupe.db \"VACUUM INTO 'backup.db'\"",
      },
    );
  }
  const reason = code === READONLY ? "store_readonly" : "store_io";
  return placeFailure(`${reason}: ${path} cannot be written`, reason, EXIT_IO, {
    cause: String(error),
  });
}
