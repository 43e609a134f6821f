import { type CatalogEntry, type SqlSchemaDialect, unprepared } from "../kit/sql/dialect.ts";
import type { SqlColumn, SqlColumnKind, SqlTable, SqlTableName } from "../kit/sql/schema.ts";
import { type SqlClient, SqlError, type SqlRow, type SqlRunner } from "../kit/sql/sql-client.ts";

/** Tables have a prefix of their own, since a database may hold other things as well. */
export function tableName(name: SqlTableName): string {
  return name.startsWith("troupe_") ? name : `troupe_${name}`;
}

/** The kit's name for a table that the catalogue has. */
function plainName(found: string): string {
  const plain = found.replace(/^troupe_/, "");
  return plain === "schema" ? found : plain;
}

/** What a kind of column is in a CREATE TABLE, and in the catalogue. */
const TYPES: Readonly<Record<SqlColumnKind, readonly [made: string, found: string]>> = {
  identity: ["BINARY(32)", "binary(32)"],
  label: ["VARBINARY(255)", "varbinary(255)"],
  bytes: ["LONGBLOB", "longblob"],
  text: ["LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "longtext utf8mb4_bin"],
  name: ["VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin", "varchar(63) ascii_bin"],
  integer: ["BIGINT", "bigint"],
  number: ["BIGINT", "bigint auto_increment"],
};

/** Nothing depends on what a database or a server has for a default. */
const TABLE_OPTIONS =
  "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

function columnText({ name, kind, nullable = false }: SqlColumn): string {
  const number = kind === "number" ? " AUTO_INCREMENT" : "";
  return `${name} ${TYPES[kind][0]}${nullable ? " NULL" : " NOT NULL"}${number}`;
}

/** An index that is sparse needs nothing: several NULLs are not the same value here. */
function indexTexts({ indexes }: SqlTable): readonly string[] {
  return indexes.map(
    ({ name, columns, unique = false }) =>
      `${unique ? "UNIQUE " : ""}INDEX ${name} (${columns.join(", ")})`,
  );
}

const COLUMNS_TEXT = `SELECT table_name, column_name,
    CASE WHEN data_type IN ('binary', 'varbinary', 'varchar')
         THEN CONCAT(data_type, '(', character_maximum_length, ')') ELSE data_type END,
    COALESCE(collation_name, ''), extra, is_nullable
  FROM information_schema.columns
 WHERE table_schema = DATABASE() AND table_name LIKE 'troupe\\_%'`;

const INDEXES_TEXT = `SELECT table_name, index_name,
    CONCAT(CASE WHEN MIN(non_unique) = 0 THEN 'unique (' ELSE '(' END,
           GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '), ')')
  FROM information_schema.statistics
 WHERE table_schema = DATABASE() AND table_name LIKE 'troupe\\_%'
 GROUP BY table_name, index_name`;

function columnEntry(row: SqlRow): CatalogEntry {
  const [table = "", name = "", type = "", collation = "", extra = "", nullable] = row.map(String);
  const parts = [type, collation, extra.includes("auto_increment") ? "auto_increment" : ""];
  const bound = nullable === "NO" ? " not null" : "";
  return {
    table: plainName(table),
    kind: "column",
    name,
    definition: `${parts.filter((part) => part !== "").join(" ")}${bound}`,
  };
}

/**
 * One migration at a time on a database. It is waited for as long as a statement may take; the server
 * lets go of it when the connection ends.
 */
const LOCK = "CONCAT('troupe/', SHA2(DATABASE(), 224))";
const TAKE_LOCK = unprepared(`SELECT GET_LOCK(${LOCK}, 3600)`);
const LEAVE_LOCK = unprepared(`SELECT RELEASE_LOCK(${LOCK})`);

/** Tables of MySQL and MariaDB. What makes them cannot be undone, so it bears being repeated. */
export const MYSQL_SCHEMA: SqlSchemaDialect = {
  create(definition, table) {
    const parts = [
      ...definition.columns.map(columnText),
      `PRIMARY KEY (${definition.key.join(", ")})`,
      ...indexTexts(definition),
    ];
    const name = table(definition.name);
    return [`CREATE TABLE IF NOT EXISTS ${name} (\n  ${parts.join(",\n  ")}\n) ${TABLE_OPTIONS}`];
  },

  expected({ name: table, columns, key, indexes }) {
    const index = (name: string, of: readonly string[], unique: boolean): CatalogEntry => {
      const definition = `${unique ? "unique " : ""}(${of.join(", ")})`;
      return { table, kind: "index", name, definition };
    };
    return [
      ...columns.map(({ name, kind, nullable = false }): CatalogEntry => {
        const definition = `${TYPES[kind][1]}${nullable ? "" : " not null"}`;
        return { table, kind: "column", name, definition };
      }),
      index("PRIMARY", key, true),
      ...indexes.map((one) => index(one.name, one.columns, one.unique === true)),
    ];
  },

  async catalog(runner: SqlRunner) {
    const columns = await runner.run(unprepared(COLUMNS_TEXT), []);
    const indexes = await runner.run(unprepared(INDEXES_TEXT), []);
    return [
      ...columns.rows.map(columnEntry),
      ...indexes.rows.map((row): CatalogEntry => {
        const [table = "", name = "", definition = ""] = row.map(String);
        return { table: plainName(table), kind: "index", name, definition };
      }),
    ];
  },

  exclusively<T>(client: SqlClient, body: (runner: SqlRunner) => Promise<T>): Promise<T> {
    return client.transaction(async (runner) => {
      const { rows } = await runner.run(TAKE_LOCK, []);
      if (Number(rows[0]?.[0]) !== 1) throw new SqlError("timeout", "the schema is being changed");
      try {
        const value = await body(runner);
        // Whoever has the lock next must see it.
        await runner.run(unprepared("COMMIT"), []);
        return value;
      } finally {
        // If that fails the connection has failed, and the lock with it.
        await runner.run(LEAVE_LOCK, []).catch(() => undefined);
      }
    });
  },
};
