import {
  type ClaimAsk,
  type ServerFacts,
  type SqlDialect,
  type SqlFragments,
  unprepared,
} from "../kit/sql/dialect.ts";
import type { EncodedBatch } from "../kit/sql/commit-batch.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlClient, SqlRow, SqlRunner, SqlValue } from "../kit/sql/sql-client.ts";
import { NOW } from "./mysql-clock.ts";
import { MysqlClaim } from "./mysql-claim.ts";
import { MysqlCommit } from "./mysql-commit.ts";
import { MYSQL_SCHEMA, tableName } from "./mysql-schema.ts";
import { FACTS_TEXT, factsOf, REDO_TEXT } from "./server-facts.ts";

function assignments(columns: readonly string[]): string {
  return columns.map((column) => `${column} = VALUES(${column})`).join(", ");
}

function insert(table: string, columns: readonly string[], rows: number): string {
  const tuples = Array.from({ length: rows }, (_, row) => {
    const places = columns.map((_column, index) => `$${row * columns.length + index + 1}`);
    return `(${places.join(", ")})`;
  });
  return `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${tuples.join(", ")}`;
}

/** Rows after a position, spelled out: the servers use an index for this, not for `(a, b) > (x, y)`. */
function after(columns: readonly string[], values: readonly string[]): string {
  const [column = "", ...columnsLeft] = columns;
  const [value = "", ...valuesLeft] = values;
  if (columnsLeft.length === 0) return `${column} > ${value}`;
  const rest = after(columnsLeft, valuesLeft);
  return `${column} >= ${value} AND (${column} > ${value} OR (${rest}))`;
}

/** Fragments in the words of MySQL and MariaDB alike. */
export const MYSQL_FRAGMENTS: SqlFragments = {
  now: NOW,
  first: (order, count) => `ORDER BY ${order} LIMIT ${count}`,
  after: (columns, values) => `(${after(columns, values)})`,
  locking: { afterAlias: "", end: "FOR UPDATE" },
  // Due schedules alone are walked so. In another order all that are due would be locked and sorted.
  skipping: { afterAlias: "FORCE INDEX (schedules_due)", end: "FOR UPDATE SKIP LOCKED" },
  upsert(table, key, columns, rows) {
    const others = columns.filter((column) => !key.includes(column));
    return `${insert(table, columns, rows)} ON DUPLICATE KEY UPDATE ${assignments(others)}`;
  },
  // Not INSERT IGNORE, which would ignore values that do not fit as well.
  insertIfAbsent: (table, key, columns) =>
    `${insert(table, columns, 1)} ON DUPLICATE KEY UPDATE ${key[0]} = ${key[0]}`,
};

/** MySQL from 8.0 and MariaDB from 10.6, with one text for both. */
export class MysqlDialect implements SqlDialect {
  readonly name = "mysql";
  readonly schema = MYSQL_SCHEMA;
  readonly fragments = MYSQL_FRAGMENTS;
  readonly #claim = new MysqlClaim();
  readonly #commit = new MysqlCommit();

  table(name: SqlTableName): string {
    return tableName(name);
  }

  async facts(runner: SqlRunner): Promise<ServerFacts> {
    const { rows } = await runner.run(unprepared(`SELECT ${NOW}, ${FACTS_TEXT}`), []);
    const redo = await runner.run(unprepared(REDO_TEXT), []);
    const [nowMs = 0, ...columns] = rows[0] ?? [];
    const { facts, maxPacketBytes } = factsOf(columns, redo.rows);
    this.#commit.setMaxPacketBytes(maxPacketBytes);
    return { ...facts, nowMs: Number(nowMs) };
  }

  claim(client: SqlClient, ask: ClaimAsk): Promise<readonly SqlRow[]> {
    return this.#claim.claim(client, ask);
  }

  commit(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    return this.#commit.commit(client, batch);
  }
}
