import { type CatalogEntry, type SqlSchemaDialect, unprepared } from "../kit/sql/dialect.ts";
import type { SqlColumn, SqlTable } from "../kit/sql/schema.ts";
import { columnText, TYPES } from "../postgres/postgres-schema.ts";

function expected({ name: table, columns, indexes }: SqlTable): readonly CatalogEntry[] {
  const definition = ({ kind, nullable }: SqlColumn): string =>
    `${TYPES[kind]}${nullable === true ? "" : " not null"}`;
  return [
    ...columns.map((column) => ({
      table,
      kind: "column" as const,
      name: column.name,
      definition: definition(column),
    })),
    ...indexes.map(({ name }) => ({ table, kind: "index" as const, name, definition: "" })),
  ];
}

const COLUMNS = unprepared(
  `SELECT table_name, column_name, data_type, is_nullable
     FROM information_schema.columns WHERE table_schema = $1`,
);
const INDEXES = unprepared(
  "SELECT tablename, indexname FROM pg_catalog.pg_indexes WHERE schemaname = $1",
);

/**
 * The schema of CockroachDB, whose changes of it do not go well with other work in one transaction:
 * each statement is for good and bears being repeated, while a row of a table for that is locked.
 */
export function cockroachSchema(namespace: string): SqlSchemaDialect {
  const lockTable = `"${namespace}".troupe_schema_lock`;
  return {
    create: ({ name, columns, key, indexes }, table) => [
      `CREATE TABLE IF NOT EXISTS ${table(name)} (
  ${[...columns.map((column) => columnText(column, "")), `PRIMARY KEY (${key.join(", ")})`].join(",\n  ")}
)`,
      ...indexes.map(
        (index) =>
          `CREATE ${index.unique === true ? "UNIQUE " : ""}INDEX IF NOT EXISTS ${index.name}
    ON ${table(name)} (${index.columns.join(", ")})`,
      ),
    ],
    expected,
    async catalog(runner) {
      const columns = (await runner.run(COLUMNS, [namespace])).rows;
      const indexes = (await runner.run(INDEXES, [namespace])).rows;
      return [
        ...columns.map(([table, name, type, nullable]) => ({
          table: String(table),
          kind: "column" as const,
          name: String(name),
          definition: `${String(type)}${nullable === "NO" ? " not null" : ""}`,
        })),
        ...indexes.map(([table, name]) => ({
          table: String(table),
          kind: "index" as const,
          name: String(name),
          definition: "",
        })),
      ];
    },
    async exclusively(client, body) {
      for (const text of [
        `CREATE SCHEMA IF NOT EXISTS "${namespace}"`,
        `CREATE TABLE IF NOT EXISTS ${lockTable} (id bigint PRIMARY KEY)`,
        `INSERT INTO ${lockTable} (id) VALUES (1) ON CONFLICT (id) DO NOTHING`,
      ]) {
        await client.run(unprepared(text), []);
      }
      // The lock has the connection for leases, of which there are none yet; the work has another.
      return await client.transaction(async (runner) => {
        await runner.run(unprepared(`SELECT id FROM ${lockTable} WHERE id = 1 FOR UPDATE`), []);
        return await body(client);
      }, "lease");
    },
  };
}
