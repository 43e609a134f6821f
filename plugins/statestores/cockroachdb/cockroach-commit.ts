import {
  BATCH_COLUMNS,
  type EffectList,
  type EncodedBatch,
  type EncodedEffects,
  type SqlTuple,
} from "../kit/sql/commit-batch.ts";
import {
  addArrays,
  arrayList,
  CteCommit,
  DEDUP_TYPES,
  EFFECTS,
  partsOf,
} from "../kit/sql/cte-commit.ts";
import type { CteParts } from "../kit/sql/cte-dialect.ts";
import { prepared } from "../kit/sql/dialect.ts";
import { hexOf } from "../kit/sql/row-values.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlClient, SqlRunner, SqlStatement, SqlValue } from "../kit/sql/sql-client.ts";

/** One statement of a commit with effects, and the list whose rows it is given. */
interface EffectStatement {
  readonly list: EffectList | "dedup";
  readonly statement: SqlStatement;
}

/**
 * Commits on a server where one statement may change a table once only. States and recorded replies
 * go in one statement; a batch with effects is a transaction of several, each for what the winners of
 * the first have brought.
 */
export class CockroachCommit {
  readonly #plain: CteCommit;
  readonly #effects: readonly EffectStatement[];

  constructor(parts: CteParts) {
    this.#plain = new CteCommit(parts);
    this.#effects = effectStatements(parts);
  }

  async commit(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    const { effects } = batch;
    if (effects === undefined) return await this.#plain.commit(client, batch);
    return await client.transaction(async (runner) => {
      const winners: SqlValue[] = [];
      // Replies come after what is shredded has lost its own.
      for (const part of partsOf({ ...batch, dedup: [], effects: undefined })) {
        winners.push(...(await this.#plain.commitPart(runner, part)));
      }
      if (winners.length > 0) await this.#write(runner, winners, batch.dedup, effects);
      return winners;
    });
  }

  async #write(
    runner: SqlRunner,
    winners: readonly SqlValue[],
    dedup: readonly SqlTuple[],
    effects: EncodedEffects,
  ): Promise<void> {
    const won = new Set(winners.map(hexOf));
    for (const { list, statement } of this.#effects) {
      const all = list === "dedup" ? dedup : effects[list];
      const rows = all.filter(([actor]) => won.has(hexOf(actor)));
      if (rows.length === 0) continue;
      const values: SqlValue[] = [];
      addArrays(values, rows, typesOf(list));
      await runner.run(statement, values);
    }
  }
}

function typesOf(list: EffectList | "dedup"): readonly string[] {
  if (list === "dedup") return DEDUP_TYPES;
  return EFFECTS.find((one) => one.list === list)?.types ?? [];
}

/** Every statement, in the order they are run: what goes before what comes. */
function effectStatements(parts: CteParts): readonly EffectStatement[] {
  const { now } = parts.fragments;
  const inserted = (
    list: EffectList | "dedup",
    name: SqlTableName,
    columns: Readonly<Record<string, string>>,
    conflict = "",
  ): EffectStatement => {
    const names = Object.keys(columns).join(", ");
    const values = Object.values(columns).join(", ");
    const text = `INSERT INTO ${parts.table(name)} (${names})
       SELECT ${values} FROM ${listOf(list)} ORDER BY e.n ${conflict}`;
    return { list, statement: prepared(text.trimEnd()) };
  };
  const committed = { ...same("dedup"), committed_ms: now };
  const due = `${now} + e.delay_ms`;
  return [
    gone(parts, "shredded", "outbox", ["actor"]),
    gone(parts, "shredded", "schedules", ["actor"]),
    blanked(parts),
    inserted("dedup", "dedup", committed, "ON CONFLICT (actor, request_id) DO NOTHING"),
    gone(parts, "untagged", "actor_tags", ["actor"]),
    inserted("tags", "actor_tags", same("tags")),
    inserted("outbox", "outbox", { ...same("outbox"), due_ms: due, ready_ms: due, attempts: "0" }),
    gone(parts, "unscheduled", "schedules", ["actor", "name"]),
    inserted("schedules", "schedules", { ...same("schedules"), held_until_ms: "0" }),
    forgotten(parts),
    inserted(
      "history",
      "history",
      { ...same("history"), committed_ms: now },
      `ON CONFLICT (actor, revision) DO UPDATE
          SET committed_ms = EXCLUDED.committed_ms, action = EXCLUDED.action,
              tags = EXCLUDED.tags, state_type = EXCLUDED.state_type, state = EXCLUDED.state`,
    ),
    gone(parts, "unseeded", "seeds", ["actor"]),
    inserted(
      "seeds",
      "seeds",
      same("seeds"),
      "ON CONFLICT (actor) DO UPDATE SET wrapped = EXCLUDED.wrapped",
    ),
  ];
}

/** The rows of a list, from `$1` on, as `e`. */
function listOf(list: EffectList | "dedup"): string {
  return arrayList(1, typesOf(list), "e", BATCH_COLUMNS[list]);
}

/** The columns of a list under their own names. */
function same(list: EffectList | "dedup"): Readonly<Record<string, string>> {
  return Object.fromEntries(BATCH_COLUMNS[list].map((column) => [column, `e.${column}`]));
}

/** Deletes the rows of a table that a list names by these columns. */
function gone(
  { table }: CteParts,
  list: EffectList,
  name: SqlTableName,
  columns: readonly string[],
): EffectStatement {
  const [theirs, named] = ["t", "e"].map((row) => columns.map((column) => `${row}.${column}`));
  const key = columns.length === 1 ? theirs?.join() : `(${theirs?.join(", ")})`;
  const text = `DELETE FROM ${table(name)} t
        WHERE ${key} IN (SELECT ${named?.join(", ")} FROM ${listOf(list)})`;
  return { list, statement: prepared(text) };
}

function blanked({ table }: CteParts): EffectStatement {
  const text = `UPDATE ${table("dedup")} t SET digest = ''::bytea, reply = ''::bytea
         FROM ${listOf("shredded")} WHERE t.actor = e.actor`;
  return { list: "shredded", statement: prepared(text) };
}

function forgotten({ table }: CteParts): EffectStatement {
  const history = table("history");
  const text = `DELETE FROM ${history} t
        WHERE (t.actor, t.revision) IN
              (SELECT r.actor, r.revision FROM
                 (SELECT o.actor, o.revision, e.keep,
                         row_number() OVER (PARTITION BY o.actor ORDER BY o.revision DESC) AS nth
                    FROM ${history} o JOIN ${listOf("forgotten")} ON e.actor = o.actor) r
                WHERE r.nth > r.keep)`;
  return { list: "forgotten", statement: prepared(text) };
}
