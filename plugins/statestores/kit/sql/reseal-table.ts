import type { Resealing, SealedRow } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { prepared, type SqlDialect } from "./dialect.ts";
import { numberOf, textOf, utf8 } from "./row-values.ts";
import type { SqlTableName } from "./schema.ts";
import type { SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement, SqlValue } from "./sql-client.ts";

/** How many rows one step of the walk looks at. */
const STEP_ROWS = 1_000;

/** An envelope of version 1 has its key id in bytes 2 to 9. */
const VERSION_1 = Uint8Array.of(1);

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
  readonly count: SqlStatement;
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
    const rows = await this.#access.rows(purpose.step, [VERSION_1, keyId, STEP_ROWS, ...after]);
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
    for (const { count } of this.#purposes) {
      for (const [version, key, rows] of await this.#access.rows(count, [])) {
        const isKnown = version instanceof Uint8Array && version[0] === 1 && version.length === 1;
        const name = isKnown && key instanceof Uint8Array ? Buffer.from(key).toString("hex") : "";
        counts.set(name, (counts.get(name) ?? 0) + numberOf(rows));
      }
    }
    return counts;
  }
}

function statementsOf(dialect: SqlDialect, purpose: Purpose): PurposeStatements {
  const { after, first } = dialect.fragments;
  const { table: name, key, value, label, revision } = purpose;
  const table = dialect.table(name);
  const from = key.map((_, index) => `$${index + 4}`);
  const version = `substring(p.${value}, 1, 1)`;
  const keyId = `substring(p.${value}, 3, 8)`;
  const keys = key.map((column) => `p.${column}`).join(", ");
  const position =
    key.length === 1
      ? `t.${key[0]} > $4`
      : after(
          key.map((column) => `t.${column}`),
          from,
        );
  const same = key.map((column, index) => `${column} = $${index + 3}`).join(" AND ");
  return {
    ...purpose,
    // Of rows under the key that is wanted only their own key is read.
    step: prepared(
      `SELECT ${keys}, a.actor_system, a.actor_type, a.actor_key, ${revision}, ${label},
              CASE WHEN ${version} <> $1 OR ${keyId} <> $2 THEN p.${value} END, s.wrapped
         FROM (SELECT * FROM ${table} t WHERE ${position}
               ${first(key.map((column) => `t.${column}`).join(", "), "$3")}) p
         LEFT JOIN ${dialect.table("actors")} a ON a.actor = p.actor
         LEFT JOIN ${dialect.table("seeds")} s ON s.actor = p.actor
        ORDER BY ${keys}`,
    ),
    replace: prepared(`UPDATE ${table} SET ${value} = $1 WHERE ${value} = $2 AND ${same}`),
    count: prepared(
      `SELECT ${version}, ${keyId}, count(*) FROM ${table} p WHERE p.${value} IS NOT NULL
        GROUP BY ${version}, ${keyId}`,
    ),
  };
}

function viewOf({ purpose, key }: Purpose, row: SqlRow): SealedRow | undefined {
  const [system, type, actorKey, revision, label, before, wrapped] = row.slice(key.length);
  // An orphan cannot be opened: what it is bound to is not known.
  if (!(before instanceof Uint8Array) || typeof system !== "string") return undefined;
  const sealed = {
    purpose,
    rowId: key.length > 1 || row[0] instanceof Uint8Array ? 0 : numberOf(row[0]),
    actor: { system: textOf(system), type: textOf(type), key: textOf(actorKey) },
    revision: numberOf(revision),
    label: textOf(label),
    before,
  };
  const hasSeed = purpose !== "seed" && wrapped instanceof Uint8Array;
  return hasSeed ? { ...sealed, seed: wrapped } : sealed;
}
