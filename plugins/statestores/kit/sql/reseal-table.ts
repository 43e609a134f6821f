import { createHash } from "node:crypto";
import type { Resealing, SealedRow } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { prepared, type SqlDialect } from "./dialect.ts";
import { hexOf, numberOf, textOf, utf8 } from "./row-values.ts";
import type { SqlTableName } from "./schema.ts";
import type { SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement, SqlValue } from "./sql-client.ts";

/** How many rows one step of the walk looks at. */
const STEP_ROWS = 1_000;

const COUNTED_ROWS = 5_000;

/** An envelope of version 1 has its algorithm in byte 1 and its key id in bytes 2 to 9. */
const VERSION_1 = Uint8Array.of(1);
/** Sealed without the seed of an actor. */
const ALGORITHM_1 = Uint8Array.of(1);
const HEAD_BYTES = 10;

interface Purpose {
  readonly purpose: SealedRow["purpose"];
  readonly table: SqlTableName;
  /** The columns of the primary key, by which the table is walked. */
  readonly key: readonly string[];
  /** Below every key. */
  readonly start: readonly SqlValue[];
  readonly value: string;
  readonly label: string;
  readonly revision: string;
  /** The values of the key for a row that was handed out. */
  keyOf(row: SealedRow): readonly SqlValue[];
}

const NOTHING = new Uint8Array(0);

const PURPOSES: readonly Purpose[] = [
  {
    purpose: "state",
    table: "actors",
    key: ["actor"],
    start: [NOTHING],
    value: "state",
    label: "p.state_type",
    revision: "p.revision",
    keyOf: ({ actor }) => [actorIdentity(actor)],
  },
  {
    purpose: "history",
    table: "history",
    key: ["actor", "revision"],
    start: [NOTHING, 0],
    value: "state",
    label: "p.state_type",
    revision: "p.revision",
    keyOf: ({ actor, revision }) => [actorIdentity(actor), revision],
  },
  {
    purpose: "dedup",
    table: "dedup",
    key: ["actor", "request_id"],
    start: [NOTHING, NOTHING],
    value: "reply",
    label: "p.request_id",
    revision: "p.revision",
    keyOf: ({ actor, label }) => [actorIdentity(actor), utf8(label)],
  },
  {
    purpose: "outbox",
    table: "outbox",
    key: ["number"],
    start: [0],
    value: "body",
    label: "p.message_id",
    revision: "p.revision",
    keyOf: ({ rowId }) => [rowId],
  },
  {
    purpose: "schedule",
    table: "schedules",
    key: ["number"],
    start: [0],
    value: "body",
    label: "p.name",
    revision: "0",
    keyOf: ({ rowId }) => [rowId],
  },
  {
    purpose: "seed",
    table: "seeds",
    key: ["actor"],
    start: [NOTHING],
    value: "wrapped",
    label: "''",
    revision: "0",
    keyOf: ({ actor }) => [actorIdentity(actor)],
  },
];

interface PurposeStatements extends Purpose {
  readonly step: SqlStatement;
  readonly replace: SqlStatement;
  /** The beginnings of sealed values. */
  readonly heads: SqlStatement;
}

/** Where a walk over all sealed values stands: the last key that was looked at. */
interface Position {
  readonly purpose: number;
  readonly after: readonly SqlValue[];
}

/** Sealed values under other keys. A row is known again by its actor, revision and label. */
export class ResealTable implements Resealing {
  readonly #access: SqlAccess;
  readonly #purposes: readonly PurposeStatements[];
  /** Where the next page begins: rows that cannot be moved do not hold back those behind them. */
  #position: Position = { purpose: 0, after: PURPOSES[0]?.start ?? [] };

  constructor(access: SqlAccess) {
    this.#access = access;
    this.#purposes = PURPOSES.map((purpose) => statementsOf(access.dialect, purpose));
  }

  async pending(keyId: Uint8Array, limit: number): Promise<readonly SealedRow[]> {
    const found: SealedRow[] = [];
    // Every purpose once, and that of the beginning once more for what lies before it.
    let purposesLeft = this.#purposes.length + 1;
    while (found.length < limit && purposesLeft > 0) {
      const isAtEnd = await this.#step(keyId, limit, found);
      if (isAtEnd) purposesLeft -= 1;
    }
    return found;
  }

  /** Looks at the next rows of one table; true if there are no more. */
  async #step(keyId: Uint8Array, limit: number, found: SealedRow[]): Promise<boolean> {
    const { purpose: index, after } = this.#position;
    const purpose = this.#purposes[index];
    if (purpose === undefined) return true;
    const width = purpose.key.length;
    const rows = await this.#access.rows(purpose.step, [
      ...[VERSION_1, keyId, ALGORITHM_1, STEP_ROWS],
      ...after,
    ]);
    for (const row of rows) {
      this.#position = { purpose: index, after: row.slice(0, width) };
      const sealed = viewOf(purpose, row);
      if (sealed !== undefined) found.push(sealed);
      if (found.length === limit) return false;
    }
    if (rows.length === STEP_ROWS) return false;
    const next = (index + 1) % this.#purposes.length;
    this.#position = { purpose: next, after: this.#purposes[next]?.start ?? [] };
    return true;
  }

  async replace(row: SealedRow, sealed: Uint8Array): Promise<boolean> {
    const purpose = this.#purposes.find((one) => one.purpose === row.purpose);
    if (purpose === undefined) return false;
    const values = [sealed, row.before, ...purpose.keyOf(row)];
    return (await this.#access.run(purpose.replace, values, "once")).changed > 0;
  }

  async countByKey(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { heads, key, start } of this.#purposes) {
      let rows: readonly SqlRow[] = [];
      let after = start;
      do {
        rows = await this.#access.rows(heads, [COUNTED_ROWS, ...after]);
        for (const row of rows) {
          const name = keyIdOf(row[key.length] ?? null);
          if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
        }
        after = rows.at(-1)?.slice(0, key.length) ?? after;
      } while (rows.length === COUNTED_ROWS);
    }
    return counts;
  }
}

function statementsOf(dialect: SqlDialect, purpose: Purpose): PurposeStatements {
  const { table: name, key, value, label, revision } = purpose;
  const table = dialect.table(name);
  const keys = key.map((column) => `p.${column}`).join(", ");
  const same = key.map((column, index) => `${column} = $${index + 3}`).join(" AND ");
  const part = (from: number, length: number): string =>
    `substring(p.${value}, ${from}, ${length})`;
  const hasSeed = purpose.purpose === "seed" ? "1 = 0" : "s.wrapped IS NOT NULL";
  return {
    ...purpose,
    // Of rows that are as they should be only their key is read.
    step: prepared(
      `SELECT ${keys}, a.actor_system, a.actor_type, a.actor_key, ${revision}, ${label},
              CASE WHEN ${part(1, 1)} <> $1 OR ${part(3, 8)} <> $2
                     OR (${hasSeed} AND ${part(2, 1)} = $3)
                   THEN p.${value} END, s.wrapped
         FROM (${pageOf(dialect, purpose, "*", 4)}) p
         LEFT JOIN ${dialect.table("actors")} a ON a.actor = p.actor
         LEFT JOIN ${dialect.table("seeds")} s ON s.actor = p.actor
        ORDER BY ${keys}`,
    ),
    replace: prepared(`UPDATE ${table} SET ${value} = $1 WHERE ${value} = $2 AND ${same}`),
    heads: prepared(
      pageOf(dialect, purpose, `${keysOf(purpose)}, substring(t.${value}, 1, ${HEAD_BYTES})`, 1),
    ),
  };
}

const keysOf = ({ key }: Purpose): string => key.map((column) => `t.${column}`).join(", ");

/** The next rows of a table; parameter `from` says how many, those behind it after which key. */
function pageOf(dialect: SqlDialect, purpose: Purpose, columns: string, from: number): string {
  const { after, first } = dialect.fragments;
  const { table, key } = purpose;
  const places = key.map((_, index) => `$${from + 1 + index}`);
  const qualified = key.map((column) => `t.${column}`);
  const position = key.length === 1 ? `${qualified[0]} > ${places[0]}` : after(qualified, places);
  return `SELECT ${columns} FROM ${dialect.table(table)} t WHERE ${position}
          ${first(keysOf(purpose), `$${from}`)}`;
}

/** The key of a sealed value by its beginning: "" for what is no envelope, `undefined` for nothing. */
function keyIdOf(head: SqlValue): string | undefined {
  if (!(head instanceof Uint8Array) || head.length === 0) return undefined;
  return head[0] === 1 && head.length === HEAD_BYTES ? hexOf(head.subarray(2)) : "";
}

/** A number for a row, by its key where that is none; the row is found again by its other members. */
function rowIdOf(key: readonly SqlValue[]): number {
  const [first] = key;
  if (key.length === 1 && !(first instanceof Uint8Array)) return numberOf(first);
  const digest = createHash("sha256");
  for (const part of key) digest.update(part instanceof Uint8Array ? part : String(part));
  return digest.digest().readUIntBE(0, 6);
}

function viewOf({ purpose, key }: Purpose, row: SqlRow): SealedRow | undefined {
  const [system, type, actorKey, revision, label, before, wrapped] = row.slice(key.length);
  // An orphan cannot be opened: what it is bound to is not known.
  if (!(before instanceof Uint8Array) || typeof system !== "string") return undefined;
  if (before.length === 0) return undefined;
  const sealed = {
    purpose,
    rowId: rowIdOf(row.slice(0, key.length)),
    actor: { system: textOf(system), type: textOf(type), key: textOf(actorKey) },
    revision: numberOf(revision),
    label: textOf(label),
    before,
  };
  const hasSeed = purpose !== "seed" && wrapped instanceof Uint8Array;
  return hasSeed ? { ...sealed, seed: wrapped } : sealed;
}
