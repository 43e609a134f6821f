import type { SqlColumnKind } from "../kit/sql/schema.ts";

/** How names compare: byte by byte, whatever the database's own collation is. */
export const NAME_COLLATION = "Latin1_General_BIN2";

/**
 * The type of a column of each kind, as parameters and table variables have it. A label has a byte
 * more than its longest text, for its terminator.
 */
export const COLUMN_TYPES: Readonly<Record<SqlColumnKind, string>> = {
  identity: "binary(32)",
  label: "varbinary(256)",
  bytes: "varbinary(max)",
  text: "nvarchar(max)",
  name: "varchar(63)",
  integer: "bigint",
  number: "bigint",
};

/** The server's clock, milliseconds since 1970, as a 64-bit integer. */
export const NOW = "DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())";

/** A column of rows that come as parameters. */
export interface RowColumn {
  readonly name: string;
  readonly kind: SqlColumnKind;
}

/** A list of rows that is written into a statement's text, for `count` rows. */
export interface RowSource {
  /** `(VALUES …) v (…)`: missing rows are all NULL. */
  readonly text: string;
  /** The first place behind those of the rows. */
  readonly next: number;
}

/** Rows as parameters from `$from` on; each declares its type, since NULL has none. */
export function rowSource(columns: readonly RowColumn[], from: number, count: number): RowSource {
  let place = from;
  const rows = Array.from({ length: count }, () => {
    const values = columns.map(({ kind }) => `CAST($${place++} AS ${COLUMN_TYPES[kind]})`);
    return `(${values.join(", ")})`;
  });
  const names = columns.map(({ name }) => name).join(", ");
  return { text: `(VALUES ${rows.join(",\n  ")}) v (${names})`, next: place };
}
