/** What SQLite gives and takes. Integers are read as `bigint`, so that none is rounded. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row, in the order of the selected columns. */
export type SqlRow = readonly SqlValue[];

/** A prepared statement. Parameters are bound by position. */
export interface SqlStatement {
  /** Runs it and says how many rows it changed. */
  run(...parameters: SqlValue[]): number;
  get(...parameters: SqlValue[]): SqlRow | undefined;
  all(...parameters: SqlValue[]): readonly SqlRow[];
}

/** One connection. */
export interface SqlDatabase {
  /** Runs statements without parameters. */
  exec(sql: string): void;
  /** Prepares once; the caller keeps the statement. */
  prepare(sql: string): SqlStatement;
  close(): void;
}

/** The seam between the store and a SQLite library; `driver-bun.ts` and `driver-node.ts`. */
export interface SqlDriver {
  /** Opens for reading and writing; a file that is absent is made. */
  open(path: string): SqlDatabase;
  /** The primary result code of SQLite behind an error, or `undefined` if it is another's error. */
  errorCode(error: unknown): number | undefined;
}
