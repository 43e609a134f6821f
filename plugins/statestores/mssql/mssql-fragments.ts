import type { SqlFragments } from "../kit/sql/dialect.ts";
import { NOW } from "./mssql-types.ts";

/** Reads what is there now and keeps it from other writers until the transaction ends. */
const HELD = "WITH (UPDLOCK, SERIALIZABLE)";

/** What statements of the kit leave to the server's own words. */
export const FRAGMENTS: SqlFragments = {
  now: NOW,
  first: (order, count) => `ORDER BY ${order} OFFSET 0 ROWS FETCH NEXT ${count} ROWS ONLY`,
  after: (columns, values) =>
    `(${columns
      .map((column, index) => {
        const equal = columns.slice(0, index).map((other, at) => `${other} = ${values[at]}`);
        return [...equal, `${column} > ${values[index]}`].join(" AND ");
      })
      .join(" OR ")})`,
  locking: { afterAlias: "WITH (UPDLOCK, ROWLOCK)", end: "" },
  skipping: { afterAlias: "WITH (UPDLOCK, READPAST, ROWLOCK)", end: "" },
  upsert(table, key, columns, rows) {
    const source = valuesOf(columns, rows);
    const others = columns.filter((column) => !key.includes(column));
    const set = others.map((column) => `${column} = v.${column}`).join(", ");
    const same = key.map((column) => `v.${column} = t.${column}`).join(" AND ");
    const taken = columns.map((column) => `v.${column}`).join(", ");
    const update = `UPDATE t SET ${set}
  FROM ${source} INNER LOOP JOIN ${table} t ${HELD} ON ${same};\n`;
    return `${others.length === 0 ? "" : update}INSERT INTO ${table} (${columns.join(", ")})
SELECT ${taken}
  FROM ${source}
 WHERE NOT EXISTS (SELECT 1 FROM ${table} t ${HELD} WHERE ${same});`;
  },
  insertIfAbsent(table, key, columns) {
    const same = key.map((column) => `v.${column} = t.${column}`).join(" AND ");
    const taken = columns.map((column) => `v.${column}`).join(", ");
    return `INSERT INTO ${table} (${columns.join(", ")})
SELECT ${taken}
  FROM ${valuesOf(columns, 1)}
 WHERE NOT EXISTS (SELECT 1 FROM ${table} t ${HELD} WHERE ${same});`;
  },
};

function valuesOf(columns: readonly string[], rows: number): string {
  const tuples = Array.from({ length: rows }, (_, row) => {
    const places = columns.map((_column, index) => `$${row * columns.length + index + 1}`);
    return `(${places.join(", ")})`;
  });
  return `(VALUES ${tuples.join(",\n  ")}) v (${columns.join(", ")})`;
}
