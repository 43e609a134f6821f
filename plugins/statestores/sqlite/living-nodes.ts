import { existsSync } from "node:fs";
import type { SqlDatabase, SqlDriver } from "./driver.ts";
import { NOW } from "./migrations.ts";

/** Names of the nodes that live on a store, as its sessions tell; none if they cannot be asked. */
export function livingNodes(driver: SqlDriver, path: string): readonly string[] {
  if (!existsSync(path)) return [];
  let db: SqlDatabase | undefined;
  try {
    db = driver.open(path);
    const rows = db
      .prepare(`SELECT node_name FROM sessions WHERE state = 'up' AND expires_ms > ${NOW}`)
      .all();
    return rows.map((row) => String(row[0]));
  } catch {
    // Only the message of a refusal depends on it.
    return [];
  } finally {
    db?.close();
  }
}
