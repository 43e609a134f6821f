import { type CatalogEntry, type SqlSchemaDialect, unprepared } from "../kit/sql/dialect.ts";
import type { SqlColumn, SqlIndex, SqlTable, SqlTableName } from "../kit/sql/schema.ts";
import {
  type SqlClient,
  SqlError,
  type SqlRow,
  type SqlRunner,
  type SqlStatement,
} from "../kit/sql/sql-client.ts";
import { COLUMN_TYPES, NAME_COLLATION } from "./mssql-types.ts";

/** Columns and indexes of one schema of the database. */
export function catalogStatement(namespace: string): SqlStatement {
  return unprepared(`SELECT t.name, 'column', c.name, y.name, c.max_length, c.collation_name,
  CAST(c.is_identity AS int), CAST(c.is_nullable AS int)
  FROM sys.tables t
  JOIN sys.columns c ON c.object_id = t.object_id
  JOIN sys.types y ON y.user_type_id = c.user_type_id
 WHERE t.schema_id = SCHEMA_ID('${namespace}');
SELECT t.name, 'index', i.name, c.name, k.key_ordinal, i.filter_definition,
  CAST(i.is_unique AS int), NULL
  FROM sys.tables t
  JOIN sys.indexes i ON i.object_id = t.object_id
  JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
  JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
 WHERE t.schema_id = SCHEMA_ID('${namespace}')
 ORDER BY t.name, i.name, k.key_ordinal;`);
}

/** Waits without a limit of its own: the time-out of statements ends it. */
export const LOCK: SqlStatement = unprepared(`DECLARE @granted int;
EXEC @granted = sp_getapplock @Resource = 'troupe_schema', @LockMode = 'Exclusive',
  @LockOwner = 'Transaction', @LockTimeout = -1;
SELECT @granted;`);

/** Schemas: what makes tables is undone with its transaction like everything else. */
export function mssqlSchema(namespace: string): SqlSchemaDialect {
  const catalog = catalogStatement(namespace);
  return {
    create: (definition, table) => [
      createTable(definition, table(definition.name)),
      ...definition.indexes.map((index) => createIndex(index, table(definition.name))),
    ],
    expected({ name, columns, key, indexes }) {
      const entry = (kind: CatalogEntry["kind"], of: string, definition: string): CatalogEntry => ({
        table: name,
        kind,
        name: of,
        definition,
      });
      return [
        ...columns.map((column) => entry("column", column.name, definitionOf(column))),
        entry("index", keyOf(name), `unique (${key.join(", ")})`),
        ...indexes.map((index) => entry("index", index.name, indexDefinition(index))),
      ];
    },
    async catalog(runner: SqlRunner) {
      const { rows } = await runner.run(catalog, []);
      const columns = rows.filter(([, kind]) => kind === "column").map(columnEntry);
      return [...columns, ...indexEntries(rows.filter(([, kind]) => kind === "index"))];
    },
    exclusively: (client: SqlClient, body) =>
      client.transaction(async (runner) => {
        const [row] = (await runner.run(LOCK, [])).rows;
        const granted = Number(row?.[0] ?? -1);
        if (granted < 0)
          throw new SqlError("retry", `the lock of the schema is refused (${granted})`);
        return await body(runner);
      }),
  };
}

const keyOf = (table: SqlTableName): string => `${table}_key`;

function createTable({ name, columns, key }: SqlTable, table: string): string {
  const lines = columns.map((column) => {
    const collation = column.kind === "name" ? ` COLLATE ${NAME_COLLATION}` : "";
    const numbered = column.kind === "number" ? " IDENTITY(1, 1)" : "";
    const bound = column.nullable === true ? "NULL" : "NOT NULL";
    return `  ${column.name} ${COLUMN_TYPES[column.kind]}${collation}${numbered} ${bound}`;
  });
  lines.push(`  CONSTRAINT ${keyOf(name)} PRIMARY KEY (${key.join(", ")})`);
  return `CREATE TABLE ${table} (\n${lines.join(",\n")}\n)`;
}

function createIndex({ name, columns, unique, sparse }: SqlIndex, table: string): string {
  const kind = unique === true ? "UNIQUE INDEX" : "INDEX";
  const filter = sparse === true ? ` WHERE ${columns[0]} IS NOT NULL` : "";
  return `CREATE ${kind} ${name} ON ${table} (${columns.join(", ")})${filter}`;
}

/** In the words of `columnEntry`. */
function definitionOf({ kind, nullable }: SqlColumn): string {
  const collation = kind === "name" ? ` ${NAME_COLLATION}` : "";
  const numbered = kind === "number" ? " identity" : "";
  return `${COLUMN_TYPES[kind]}${collation}${numbered}${nullable === true ? "" : " not null"}`;
}

/** In the words of `indexEntries`. */
function indexDefinition({ columns, unique, sparse }: SqlIndex): string {
  const filter = sparse === true ? ` where ([${columns[0]}] IS NOT NULL)` : "";
  return `${unique === true ? "unique " : ""}(${columns.join(", ")})${filter}`;
}

function columnEntry(row: SqlRow): CatalogEntry {
  const [table, , name, type, length, collation, isIdentity, isNullable] = row;
  const numbered = Number(isIdentity) === 1 ? " identity" : "";
  const bound = Number(isNullable) === 1 ? "" : " not null";
  const base = `${String(type)}${lengthOf(String(type), Number(length))}`;
  const compared = type === "varchar" ? ` ${String(collation)}` : "";
  const definition = `${base}${compared}${numbered}${bound}`;
  return { table: String(table), kind: "column", name: String(name), definition };
}

/** Indexes from one row for each of their columns, in order. */
function indexEntries(rows: readonly SqlRow[]): readonly CatalogEntry[] {
  const byName = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const name = `${String(row[0])} ${String(row[2])}`;
    byName.set(name, [...(byName.get(name) ?? []), row]);
  }
  return [...byName.values()].map((columns) => {
    const [table, , name, , , filter = null, isUnique] = columns[0] ?? [];
    const unique = Number(isUnique) === 1 ? "unique " : "";
    const where = filter === null ? "" : ` where ${String(filter)}`;
    const list = columns.map((column) => String(column[3])).join(", ");
    const definition = `${unique}(${list})${where}`;
    return { table: String(table), kind: "index", name: String(name), definition };
  });
}

/** The catalogue counts bytes, of which a character of `nvarchar` has two. */
function lengthOf(type: string, bytes: number): string {
  if (type === "bigint" || type === "int") return "";
  if (bytes < 0) return "(max)";
  return `(${type === "nvarchar" ? bytes / 2 : bytes})`;
}
