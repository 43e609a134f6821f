import type { SqlAddress, SqlResult, SqlValue } from "../kit/sql/sql-client.ts";

/** Prepared statements that one connection keeps; the least recently used one gives way. */
export const MAX_PREPARED = 256;

/** One connection to a server. Every rejection is a `SqlError` without a word on COMMIT. */
export interface MysqlConnection {
  /**
   * Runs one statement with `?` for each parameter. Statements given without waiting for each other
   * are run in the order given. A `prepared` one is kept by the connection.
   */
  run(text: string, values: readonly SqlValue[], prepared: boolean): Promise<SqlResult>;
  /** Ends the connection at once; what is under way is rejected. Harmless when repeated. */
  destroy(): void;
}

/** The seam between the client and a MySQL library; `driver-bun.ts` and `driver-node.ts`. */
export interface MysqlDriver {
  /** Logs in within `timeoutMs`. `ended` is called once the connection is of no use any more. */
  connect(address: SqlAddress, timeoutMs: number, ended: () => void): Promise<MysqlConnection>;
}
