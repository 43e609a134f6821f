import type { SqlFragments } from "./dialect.ts";
import type { SqlTableName } from "./schema.ts";

/** What the plans of the servers that write in CTEs differ in. */
export interface CteParts {
  readonly fragments: SqlFragments;
  table(name: SqlTableName): string;
}

/** Fragments in the words of PostgreSQL. */
export const CTE_FRAGMENTS: SqlFragments = {
  // As a subquery it is evaluated once, so that comparisons with it can use an index.
  now: "(SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)",
  first: (order, count) => `ORDER BY ${order} LIMIT ${count}`,
  after: (columns, values) => `(${columns.join(", ")}) > (${values.join(", ")})`,
  locking: { afterAlias: "", end: "FOR UPDATE" },
  skipping: { afterAlias: "", end: "FOR UPDATE SKIP LOCKED" },
  upsert(table, key, columns, rows) {
    const others = columns.filter((column) => !key.includes(column));
    const set = others.map((column) => `${column} = EXCLUDED.${column}`);
    const values = Array.from({ length: rows }, (_, row) =>
      tuple(row * columns.length + 1, columns),
    );
    return `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${values.join(", ")}
            ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${set.join(", ")}`;
  },
  insertIfAbsent: (table, key, columns) =>
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${tuple(1, columns)}
     ON CONFLICT (${key.join(", ")}) DO NOTHING`,
};

function tuple(from: number, columns: readonly string[]): string {
  return `(${columns.map((_, index) => `$${from + index}`).join(", ")})`;
}

/**
 * Rows of parameters as a list of values: `VALUES ($1::bytea, $2::bigint), ($3, $4) …`; the first row
 * gives the types. If `numbered`, a last column has the place of the row, from 0.
 */
export function valuesList(
  from: number,
  types: readonly string[],
  rows: number,
  numbered = false,
): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const at = from + row * types.length;
    const places = types.map((type, index) => `$${at + index}${row === 0 ? `::${type}` : ""}`);
    return `(${[...places, ...(numbered ? [row] : [])].join(",")})`;
  });
  return `VALUES ${lines.join(",")}`;
}
