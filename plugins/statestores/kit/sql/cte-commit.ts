import {
  BATCH_COLUMNS,
  type EncodedBatch,
  type EncodedEffects,
  type SqlTuple,
} from "./commit-batch.ts";
import { type CteParts, valuesList } from "./cte-dialect.ts";
import { bucketOf, prepared } from "./dialect.ts";
import { numberOf } from "./row-values.ts";
import { pieces } from "./sql-access.ts";
import type { SqlClient, SqlRunner, SqlStatement, SqlValue } from "./sql-client.ts";

/** Most actors in one statement: a whole batch of the node. */
const MOST_ACTORS = 512;

const ACTOR_TYPES = [
  "bytea",
  "bigint",
  "bigint",
  "bigint",
  "int",
  "text",
  "bytea",
  "bytea",
] as const;
const DEDUP_TYPES = ["bytea", "bytea", "bigint", "bytea", "bytea"] as const;

const NOTHING = new Uint8Array(0);
/** Rows for places of a bucket that are not used: no actor has such an identity. */
const SPARE_ACTOR: readonly SqlValue[] = [NOTHING, 0, 0, 0, 0, null, null, null];
const SPARE_DEDUP: readonly SqlValue[] = [NOTHING, NOTHING, 0, NOTHING, NOTHING];

/** How replies and effects travel beside the actors of a statement. */
type CommitShape = "bare" | "replies" | "listed replies" | "effects";

/**
 * Commits in one statement: first every compare-and-set, then whatever the winners write, joined with
 * them. Lists of values are bound as they are; effects, which are rare, travel as arrays, so that the
 * number of texts stays small.
 */
export class CteCommit {
  readonly #parts: CteParts;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(parts: CteParts) {
    this.#parts = parts;
  }

  async commit(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    if (batch.actors.length <= MOST_ACTORS) return await this.#commitOne(client, batch);
    return await client.transaction(async (runner) => {
      const winners: SqlValue[] = [];
      for (const part of partsOf(batch)) winners.push(...(await this.#commitOne(runner, part)));
      return winners;
    });
  }

  async #commitOne(runner: SqlRunner, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    const { sessionId, actors, dedup, effects } = batch;
    const bucket = bucketOf(actors.length);
    const shape = shapeOf(batch, bucket);
    const values: SqlValue[] = [sessionId];
    addRows(values, actors, bucket, SPARE_ACTOR);
    if (shape === "replies") addRows(values, dedup, bucket, SPARE_DEDUP);
    else if (shape !== "bare") addArrays(values, dedup, DEDUP_TYPES);
    if (shape === "effects" && effects !== undefined) addEffects(values, effects);
    const { rows } = await runner.run(this.#statement(shape, bucket), values);
    return rows.map(([place]) => actors[numberOf(place)]?.[0] ?? null);
  }

  #statement(shape: CommitShape, bucket: number): SqlStatement {
    const name = `${shape} ${bucket}`;
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      statement = prepared(commitText(this.#parts, shape, bucket));
      this.#statements.set(name, statement);
    }
    return statement;
  }
}

function shapeOf({ dedup, effects }: EncodedBatch, bucket: number): CommitShape {
  if (effects !== undefined) return "effects";
  if (dedup.length === 0) return "bare";
  return dedup.length <= bucket ? "replies" : "listed replies";
}

/** A batch that is too large for one statement as several, each with what belongs to its actors. */
function partsOf({ sessionId, actors, dedup, effects }: EncodedBatch): readonly EncodedBatch[] {
  return pieces(actors, MOST_ACTORS).map((piece) => {
    const own = new Set(piece.map(([actor]) => actor));
    const theirs = (rows: readonly SqlTuple[]) => rows.filter(([actor]) => own.has(actor ?? null));
    const lists = Object.entries(effects ?? {}).map(([list, rows]) => [list, theirs(rows)]);
    return {
      sessionId,
      actors: piece,
      dedup: theirs(dedup),
      effects: effects === undefined ? undefined : (Object.fromEntries(lists) as EncodedEffects),
    };
  });
}

function addRows(
  values: SqlValue[],
  rows: readonly SqlTuple[],
  bucket: number,
  spare: readonly SqlValue[],
): void {
  for (const row of rows) values.push(...row);
  for (let place = rows.length; place < bucket; place += 1) values.push(...spare);
}

/** The rows as one array per column, in the text form of the server's arrays. */
function addArrays(values: SqlValue[], rows: readonly SqlTuple[], types: readonly string[]): void {
  for (let column = 0; column < types.length; column += 1) {
    const items = rows.map((row) => arrayItem(row[column] ?? null));
    values.push(`{${items.join(",")}}`);
  }
}

function arrayItem(value: SqlValue): string {
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return `"\\\\x${value.toHex()}"`;
  if (typeof value !== "string") return String(value);
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The lists of effects with the types of their columns, in the order that they are bound. */
const EFFECTS = [
  { list: "shredded", types: ["bytea"] },
  { list: "untagged", types: ["bytea"] },
  { list: "tags", types: ["bytea", "bytea", "text", "bytea"] },
  {
    list: "outbox",
    types: [
      ...["bytea", "bytea", "text", "text", "bytea", "bytea"],
      ...["bigint", "bigint", "text", "bigint", "bytea"],
    ],
  },
  { list: "unscheduled", types: ["bytea", "bytea"] },
  { list: "schedules", types: ["bytea", "bytea", "bigint", "text", "bytea", "bytea"] },
  { list: "forgotten", types: ["bytea", "bigint"] },
  { list: "history", types: ["bytea", "bigint", "text", "text", "bytea", "bytea"] },
  { list: "unseeded", types: ["bytea"] },
  { list: "seeds", types: ["bytea", "bytea"] },
] as const;

type EffectName = (typeof EFFECTS)[number]["list"];

function addEffects(values: SqlValue[], effects: EncodedEffects): void {
  for (const { list, types } of EFFECTS) addArrays(values, effects[list], types);
}

/** `unnest($1::bytea[], …) WITH ORDINALITY AS alias (…, n)`. */
function arrayList(
  from: number,
  types: readonly string[],
  alias: string,
  columns: readonly string[],
): string {
  const arrays = types.map((type, index) => `$${from + index}::${type}[]`);
  return `unnest(${arrays.join(", ")}) WITH ORDINALITY AS ${alias} (${columns.join(", ")}, n)`;
}

function commitText(parts: CteParts, shape: CommitShape, bucket: number): string {
  const { fragments, table } = parts;
  const actorList = valuesList(2, ACTOR_TYPES, bucket, true);
  const from = 2 + bucket * ACTOR_TYPES.length;
  const own = (column: string): string =>
    `CASE WHEN v.writes = 1 THEN v.${column} ELSE a.${column} END`;
  const clauses = [
    `v (${BATCH_COLUMNS.actors.join(", ")}, n) AS (${actorList})`,
    `won AS (
  UPDATE ${table("actors")} a
     SET revision = v.revision, commits = a.commits + 1,
         updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms
                           ELSE ${fragments.now} END,
         tags = ${own("tags")}, state_type = ${own("state_type")}, state = ${own("state")}
    FROM v
   WHERE a.actor = v.actor AND a.epoch = v.epoch AND a.revision = v.base_revision
     AND a.owner = $1::bigint
     AND EXISTS (SELECT 1 FROM ${table("sessions")} WHERE id = $1::bigint AND state = 'up')
  RETURNING a.actor, v.n)`,
  ];
  if (shape === "replies") {
    const list = valuesList(from, DEDUP_TYPES, bucket);
    clauses.push(dedupClause(parts, `(${list}) AS e (${BATCH_COLUMNS.dedup.join(", ")})`));
  } else if (shape !== "bare") {
    clauses.push(dedupClause(parts, arrayList(from, DEDUP_TYPES, "e", BATCH_COLUMNS.dedup)));
  }
  if (shape === "effects") clauses.push(...effectClauses(parts, from + DEDUP_TYPES.length));
  return `WITH ${clauses.join(",\n")}\nSELECT n FROM won`;
}

function dedupClause({ fragments, table }: CteParts, list: string): string {
  return `replies AS (
  INSERT INTO ${table("dedup")} (actor, request_id, revision, committed_ms, digest, reply)
  SELECT e.actor, e.request_id, e.revision, ${fragments.now}, e.digest, e.reply
    FROM ${list} JOIN won ON won.actor = e.actor
  ON CONFLICT (actor, request_id) DO NOTHING)`;
}

function effectClauses({ fragments, table }: CteParts, first: number): readonly string[] {
  const lists: Record<string, string> = {};
  let from = first;
  for (const { list, types } of EFFECTS) {
    lists[list] = arrayList(from, types, "e", BATCH_COLUMNS[list]);
    from += types.length;
  }
  /** The rows of a list whose actors have won. */
  const of = (list: EffectName): string => `${lists[list]} JOIN won ON won.actor = e.actor`;
  const { now } = fragments;
  const tags = table("actor_tags");
  const history = table("history");
  // What stays is left alone, so that no clause undoes what another does.
  return [
    `new_tags AS (SELECT e.actor, e.tag, e.actor_type, e.actor_key FROM ${of("tags")})`,
    `untagged AS (
  DELETE FROM ${tags} t USING ${of("untagged")}
   WHERE t.actor = e.actor
     AND NOT EXISTS (SELECT 1 FROM new_tags k WHERE k.actor = t.actor AND k.tag = t.tag))`,
    `tagged AS (
  INSERT INTO ${tags} (tag, actor_type, actor_key, actor)
  SELECT k.tag, k.actor_type, k.actor_key, k.actor FROM new_tags k
  ON CONFLICT (tag, actor_type, actor_key) DO NOTHING)`,
    `sent AS (
  INSERT INTO ${table("outbox")}
         (actor, target, target_system, target_type, target_key, message_id, revision, place,
          action, delay_ms, due_ms, ready_ms, attempts, body)
  SELECT e.actor, e.target, e.target_system, e.target_type, e.target_key, e.message_id, e.revision,
         e.place, e.action, e.delay_ms, ${now} + e.delay_ms, ${now} + e.delay_ms, 0, e.body
    FROM ${of("outbox")} ORDER BY e.n)`,
    `shredded AS (SELECT e.actor FROM ${of("shredded")})`,
    `unsent AS (DELETE FROM ${table("outbox")} o USING shredded k WHERE o.actor = k.actor)`,
    `unsaid AS (
  UPDATE ${table("dedup")} d SET digest = ''::bytea, reply = ''::bytea
    FROM shredded k WHERE d.actor = k.actor)`,
    `unscheduled AS (
  DELETE FROM ${table("schedules")} s
   USING (SELECT e.actor, e.name FROM ${of("unscheduled")}
          UNION ALL SELECT k.actor, NULL::bytea FROM shredded k) u
   WHERE s.actor = u.actor AND (u.name IS NULL OR s.name = u.name) RETURNING s.number)`,
    // Counting makes the deletions come first.
    `scheduled AS (
  INSERT INTO ${table("schedules")} (actor, name, due_ms, held_until_ms, action, repetition, body)
  SELECT e.actor, e.name, e.due_ms, 0, e.action, e.repetition, e.body
    FROM ${of("schedules")} WHERE (SELECT count(*) FROM unscheduled) >= 0 ORDER BY e.n)`,
    `forgotten AS (
  DELETE FROM ${history} h USING ${of("forgotten")}
   WHERE h.actor = e.actor AND h.revision <=
         (SELECT o.revision FROM ${history} o WHERE o.actor = e.actor
           ORDER BY o.revision DESC LIMIT 1 OFFSET e.keep))`,
    `past AS (
  INSERT INTO ${history} (actor, revision, committed_ms, action, tags, state_type, state)
  SELECT e.actor, e.revision, ${now}, e.action, e.tags, e.state_type, e.state FROM ${of("history")}
  ON CONFLICT (actor, revision) DO UPDATE
     SET committed_ms = EXCLUDED.committed_ms, action = EXCLUDED.action, tags = EXCLUDED.tags,
         state_type = EXCLUDED.state_type, state = EXCLUDED.state)`,
    `unseeded AS (
  DELETE FROM ${table("seeds")} w USING ${of("unseeded")} WHERE w.actor = e.actor)`,
    `seeded AS (
  INSERT INTO ${table("seeds")} (actor, wrapped)
  SELECT e.actor, e.wrapped FROM ${of("seeds")}
  ON CONFLICT (actor) DO UPDATE SET wrapped = EXCLUDED.wrapped)`,
  ];
}
