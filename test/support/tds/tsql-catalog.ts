import type { Database } from "bun:sqlite";
import type { TdsResult } from "./tds-handler.ts";
import type { TdsValue } from "./tds-requests.ts";
import type { TdsColumn } from "./tds-tokens.ts";

/** A failure with the number that SQL Server gives it. */
export class TsqlFailure extends Error {
  override readonly name = "TsqlFailure";
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  /** In bytes; -1 for no limit. */
  readonly length: bigint;
  readonly collation: string | null;
  readonly isIdentity: boolean;
  readonly isNullable: boolean;
}

interface CatalogIndex {
  readonly name: string;
  readonly columns: readonly string[];
  readonly isUnique: boolean;
  readonly filter: string | null;
}

interface CatalogTable {
  readonly columns: CatalogColumn[];
  readonly indexes: CatalogIndex[];
}

const COLUMN = /^(\w+) (\w+)(?:\((\w+)\))?(?: COLLATE (\w+))?( IDENTITY\(1, 1\))? (NOT NULL|NULL)$/;
const KEY = /^CONSTRAINT (\w+) PRIMARY KEY \((.*)\)$/;
const TABLE = /^CREATE TABLE (\w+) \((.*)\)$/s;
const INDEX = /^CREATE (UNIQUE )?INDEX (\w+) ON (\w+) \((.*?)\)(?: WHERE (\w+ IS NOT NULL))?$/;
const DROP_INDEX = /^DROP INDEX (\w+) ON (\w+)$/;
const DROP_COLUMN = /^ALTER TABLE (\w+) DROP COLUMN (\w+)$/;
/** Databases are there as soon as somebody logs in to them. */
const DATABASE = /^(?:CREATE|ALTER|DROP) DATABASE /;

/** Tables as a SQL Server describes them, made in SQLite with what SQLite can check of them. */
export class TsqlCatalog {
  readonly #db: Database;
  readonly #tables = new Map<string, CatalogTable>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Makes, changes or drops a table or an index. */
  define(text: string): void {
    const table = TABLE.exec(text);
    const index = INDEX.exec(text);
    const dropped = DROP_INDEX.exec(text);
    const column = DROP_COLUMN.exec(text);
    if (table !== null) this.#createTable(table[1] ?? "", table[2] ?? "");
    else if (index !== null) this.#createIndex(index);
    else if (dropped !== null) this.#forgetIndex(dropped[2] ?? "", dropped[1] ?? "");
    else if (column !== null) this.#forgetColumn(column[1] ?? "", column[2] ?? "");
    else if (!DATABASE.test(text)) throw new TsqlFailure(102, `unknown definition: ${text}`);
  }

  #createTable(name: string, body: string): void {
    if (this.#tables.has(name)) throw new TsqlFailure(2_714, `there is a table ${name} already`);
    const lines = body.split(",\n").map((line) => line.trim());
    const key = lines.map((line) => KEY.exec(line)).find((match) => match !== null);
    if (key === undefined || key === null) throw new TsqlFailure(102, `${name} has no key`);
    const columns = lines.filter((line) => !KEY.test(line)).map(columnOf);
    const keyColumns = (key[2] ?? "").split(", ");
    const isNumbered = columns.some(({ isIdentity }) => isIdentity);
    const definitions = columns.map(sqliteColumn);
    if (!isNumbered) definitions.push(`PRIMARY KEY (${keyColumns.join(", ")})`);
    this.#db.run(`CREATE TABLE ${name} (${definitions.join(", ")}) STRICT`);
    this.#tables.set(name, { columns, indexes: [] });
    this.#addIndex(name, { name: key[1] ?? "", columns: keyColumns, isUnique: true, filter: null });
  }

  #createIndex([, unique, name = "", table = "", columns = "", filter]: RegExpExecArray): void {
    const where = filter === undefined ? "" : ` WHERE ${filter}`;
    this.#db.run(`CREATE ${unique ?? ""}INDEX ${name} ON ${table} (${columns})${where}`);
    this.#addIndex(table, {
      name,
      columns: columns.split(", "),
      isUnique: unique !== undefined,
      filter: filter === undefined ? null : `([${filter.replace(" ", "] ")})`,
    });
  }

  /** SQL Server takes bytes for equal that differ in zeros at their end, also in a unique index. */
  #addIndex(table: string, index: CatalogIndex): void {
    const { columns, indexes } = this.#table(table);
    indexes.push(index);
    const compared = index.columns.map((name) =>
      columns.find((column) => column.name === name)?.type === "varbinary"
        ? `rtrim(hex(${name}), '0')`
        : name,
    );
    if (!index.isUnique) return;
    const where = index.filter === null ? "" : ` WHERE ${index.columns[0]} IS NOT NULL`;
    this.#db.run(
      `CREATE UNIQUE INDEX padded_${index.name} ON ${table} (${compared.join(", ")})${where}`,
    );
  }

  #forgetIndex(table: string, name: string): void {
    const { indexes } = this.#table(table);
    indexes.splice(
      indexes.findIndex((index) => index.name === name),
      1,
    );
    this.#db.run(`DROP INDEX IF EXISTS ${name}`);
  }

  #forgetColumn(table: string, name: string): void {
    const { columns } = this.#table(table);
    columns.splice(
      columns.findIndex((column) => column.name === name),
      1,
    );
  }

  #table(name: string): CatalogTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw new TsqlFailure(208, `invalid object name '${name}'`);
    return table;
  }

  /** A query of `sys.tables` and its kin: each kind of row in the columns that the query asks for. */
  query(text: string): TdsResult {
    const rows = [...this.#tables].flatMap(([table, { columns, indexes }]) =>
      /sys\.index/.test(text)
        ? indexes.flatMap((index) => indexRows(table, index))
        : columns.map((column) => columnRow(table, column)),
    );
    return { columns: CATALOG_COLUMNS, rows };
  }
}

const CATALOG_COLUMNS: readonly TdsColumn[] = [
  { name: "table", type: "nvarchar" },
  { name: "kind", type: "varchar" },
  { name: "name", type: "nvarchar" },
  { name: "detail", type: "nvarchar" },
  { name: "number", type: "int" },
  { name: "more", type: "nvarchar" },
  { name: "flag", type: "int" },
  { name: "flag", type: "int" },
];

function columnRow(table: string, column: CatalogColumn): TdsValue[] {
  const { name, type, length, collation, isIdentity, isNullable } = column;
  return [table, "column", name, type, length, collation, flag(isIdentity), flag(isNullable)];
}

function indexRows(table: string, { name, columns, isUnique, filter }: CatalogIndex): TdsValue[][] {
  return columns.map((column, at) => [
    ...[table, "index", name, column, BigInt(at + 1), filter, flag(isUnique)],
    null,
  ]);
}

const flag = (value: boolean): bigint => (value ? 1n : 0n);

function columnOf(line: string): CatalogColumn {
  const match = COLUMN.exec(line);
  if (match === null) throw new TsqlFailure(102, `unknown column: ${line}`);
  const [, name = "", type = "", length, collation, identity, bound] = match;
  const characters = length === undefined ? 8 : length === "max" ? -1 : Number(length);
  return {
    name,
    type,
    length: BigInt(type === "nvarchar" && characters > 0 ? characters * 2 : characters),
    collation: collation ?? (type.endsWith("varchar") ? "SQL_Latin1_General_CP1_CI_AS" : null),
    isIdentity: identity !== undefined,
    isNullable: bound === "NULL",
  };
}

function sqliteColumn({ name, type, length, isIdentity, isNullable }: CatalogColumn): string {
  if (isIdentity) return `${name} INTEGER PRIMARY KEY AUTOINCREMENT`;
  const kind = type === "bigint" ? "INTEGER" : type.endsWith("binary") ? "BLOB" : "TEXT";
  const exact = type === "binary" ? "=" : "<=";
  const check =
    kind === "INTEGER" || length < 0n ? "" : ` CHECK (octet_length(${name}) ${exact} ${length})`;
  return `${name} ${kind}${isNullable ? "" : " NOT NULL"}${check}`;
}
