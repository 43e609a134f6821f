import type { PortableRow } from "../../../src/contract/index.ts";
import type { SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** What one step read, and what the last row is found by; `undefined` at the end of its table. */
export interface TableStep {
  readonly rows: readonly PortableRow[];
  readonly after: string | undefined;
}

/** A row that cannot be read, in the contract's form. */
export function damaged(table: string, place: string, reason: string): PortableRow {
  return { kind: "damaged", table, place, reason };
}

/** How many rows a table has, and none for one that cannot be counted. */
export function countOf(connection: SqliteConnection, statement: SqlStatement): number {
  try {
    return Number(statement.get()?.[0] ?? 0);
  } catch (error) {
    if (connection.isDamage(error)) return 0;
    throw error;
  }
}
