import { BATCH_COLUMNS, type EncodedBatch, type SqlTuple } from "../kit/sql/commit-batch.ts";
import { bucketOf, MAX_PLACES, prepared } from "../kit/sql/dialect.ts";
import { noEffects } from "../kit/sql/encode-batch.ts";
import { hexOf } from "../kit/sql/row-values.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlClient, SqlRunner, SqlStatement, SqlValue } from "../kit/sql/sql-client.ts";
import { ADVANCING, LIST_NAMES, LISTS, type ListName, WRITING } from "./commit-lists.ts";
import { COLUMN_TYPES, NOW, type RowColumn, rowSource } from "./mssql-types.ts";

/** The server takes 2,100 parameters, two of which are the statement and its declarations. */
const MAX_PARAMETERS = 2_098;
/** Most texts that are kept; a batch of a rarer shape is written anew. */
const MAX_TEXTS = 256;

type Lists = Readonly<Record<ListName, readonly SqlTuple[]>>;

/** A batch as the statements take it: compare-and-sets that write apart from those that do not. */
interface SortedBatch {
  readonly sessionId: number;
  readonly writing: readonly SqlTuple[];
  readonly advancing: readonly SqlTuple[];
  readonly lists: Lists;
}

/** How many rows a text has room for; 0 leaves a list out. `effects` is for each list but `dedup`. */
export interface CommitShape {
  readonly writing: number;
  readonly advancing: number;
  readonly dedup: number;
  readonly effects: number;
  readonly lists: readonly ListName[];
}

/**
 * Commits. A batch that one statement has room for is one round trip: transaction, compare-and-sets
 * and everything the winners write. A larger one is a transaction of several. Winners are the rows
 * that OUTPUT gives; no count is asked.
 */
export class CommitPlan {
  readonly #table: (name: SqlTableName) => string;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(table: (name: SqlTableName) => string) {
    this.#table = table;
  }

  async run(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    const sorted = sort(batch);
    const shape = shapeOf(sorted);
    if (parametersOf(shape) > MAX_PARAMETERS) {
      return await client.transaction((runner) => this.#runParts(runner, sorted));
    }
    const values = [sorted.sessionId, ...valuesOf(sorted, shape)];
    const { rows } = await client.run(this.statement(shape), values);
    return rows.map(([actor = null]) => actor);
  }

  /** The statement for a whole batch of this shape. */
  statement(shape: CommitShape): SqlStatement {
    return this.#kept(JSON.stringify(shape), () => this.#wholeText(shape));
  }

  /** The statement for at most `count` compare-and-sets, inside of a transaction. */
  compareStatement(kind: "writing" | "advancing", count: number): SqlStatement {
    return this.#kept(`${kind} ${count}`, () => {
      const { text } = rowSource(kind === "writing" ? WRITING : ADVANCING, 2, count);
      const update = kind === "writing" ? this.#write(text) : this.#advance(text);
      return `${HEAD}\n${update};\n${WINNERS};`;
    });
  }

  /** The statement for at most `count` rows of winners, inside of a transaction. */
  listStatement(name: ListName, count: number): SqlStatement {
    return this.#kept(`${name} ${count}`, () => {
      const { columns, statements } = LISTS[name];
      const { text } = rowSource(columns, 1, count);
      const parts = statements(`FROM ${text}`, this.#table);
      return [`DECLARE @now bigint = ${NOW}`, ...parts].map((part) => `${part};`).join("\n");
    });
  }

  #kept(name: string, text: () => string): SqlStatement {
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      if (this.#statements.size >= MAX_TEXTS) this.#statements.clear();
      statement = prepared(text());
      this.#statements.set(name, statement);
    }
    return statement;
  }

  #wholeText(shape: CommitShape): string {
    const parts = [HEAD, "BEGIN TRANSACTION;"];
    let place = 2;
    const next = (columns: readonly RowColumn[], count: number): string => {
      const source = rowSource(columns, place, count);
      place = source.next;
      return source.text;
    };
    if (shape.writing > 0) parts.push(`${this.#write(next(WRITING, shape.writing))};`);
    if (shape.advancing > 0) parts.push(`${this.#advance(next(ADVANCING, shape.advancing))};`);
    for (const name of shape.lists) {
      const rows = next(LISTS[name].columns, roomOf(shape, name));
      const from = `FROM ${rows} JOIN @won w ON w.actor = v.actor`;
      for (const part of LISTS[name].statements(from, this.#table)) parts.push(`${part};`);
    }
    parts.push(`${WINNERS};`, "COMMIT TRANSACTION;");
    return parts.join("\n");
  }

  #write(rows: string): string {
    const set = "tags = v.tags, state_type = v.state_type, state = v.state";
    return this.#compareAndSet(`revision = v.revision, updated_ms = @now, ${set}`, rows);
  }

  /** With the revision that is there nothing changes but the count of commits. */
  #advance(rows: string): string {
    const updated =
      "updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms ELSE @now END";
    return this.#compareAndSet(`revision = v.revision, ${updated}`, rows);
  }

  /**
   * The session is read as it was committed last, also where reads are of versions, but is not kept:
   * a lease must be renewed even while a commit waits. Whoever fences it is ordered after this one.
   */
  #compareAndSet(set: string, rows: string): string {
    return `UPDATE a SET commits = a.commits + 1, ${set}
OUTPUT inserted.actor INTO @won
  FROM ${rows} INNER LOOP JOIN ${this.#table("actors")} a WITH (ROWLOCK) ON a.actor = v.actor
 WHERE a.owner = CAST($1 AS bigint) AND a.epoch = v.epoch AND a.revision = v.base_revision
   AND EXISTS (SELECT 1 FROM ${this.#table("sessions")} s WITH (READCOMMITTEDLOCK)
     WHERE s.id = $1 AND s.state = 'up')`;
  }

  /** What does not fit into one statement, list by list; only the rows of winners are sent. */
  async #runParts(runner: SqlRunner, batch: SortedBatch): Promise<readonly SqlValue[]> {
    const won = new Map<string, SqlValue>();
    for (const kind of ["writing", "advancing"] as const) {
      const columns = kind === "writing" ? WRITING : ADVANCING;
      for (const piece of piecesFor(batch[kind], columns.length)) {
        const count = bucketOf(piece.length);
        const values = [batch.sessionId, ...padded(piece, count, columns.length)];
        const { rows } = await runner.run(this.compareStatement(kind, count), values);
        for (const [actor = null] of rows) won.set(hexOf(actor), actor);
      }
    }
    for (const name of LIST_NAMES) {
      const rows = batch.lists[name].filter(([actor]) => won.has(hexOf(actor)));
      const width = LISTS[name].columns.length;
      for (const piece of piecesFor(rows, width)) {
        const count = bucketOf(piece.length);
        await runner.run(this.listStatement(name, count), padded(piece, count, width));
      }
    }
    return [...won.values()];
  }
}

const HEAD = `DECLARE @now bigint = ${NOW};
DECLARE @won TABLE (actor ${COLUMN_TYPES.identity} NOT NULL PRIMARY KEY);`;

const WINNERS = "SELECT w.actor FROM @won w";

/** The column that tells compare-and-sets that write; the position is before it. */
const WRITES = BATCH_COLUMNS.actors.indexOf("writes");

function sort({ sessionId, actors, dedup, effects = noEffects() }: EncodedBatch): SortedBatch {
  const writing: SqlTuple[] = [];
  const advancing: SqlTuple[] = [];
  for (const row of actors) {
    const position = row.slice(0, WRITES);
    if (row[WRITES] === 1) writing.push([...position, ...row.slice(WRITES + 1)]);
    else advancing.push(position);
  }
  const outbox = effects.outbox.map((message, index) => [...message, index]);
  return { sessionId, writing, advancing, lists: { ...effects, dedup, outbox } };
}

function shapeOf({ writing, advancing, lists }: SortedBatch): CommitShape {
  const present = LIST_NAMES.filter((name) => lists[name].length > 0);
  const longest = present
    .filter((name) => name !== "dedup")
    .reduce((most, name) => Math.max(most, lists[name].length), 0);
  const room = (length: number): number => (length === 0 ? 0 : bucketOf(length));
  return {
    writing: room(writing.length),
    advancing: room(advancing.length),
    dedup: room(lists.dedup.length),
    effects: room(longest),
    lists: present,
  };
}

function roomOf(shape: CommitShape, name: ListName): number {
  return name === "dedup" ? shape.dedup : shape.effects;
}

function parametersOf(shape: CommitShape): number {
  const { writing, advancing, lists } = shape;
  return lists.reduce(
    (sum, name) => sum + LISTS[name].columns.length * roomOf(shape, name),
    1 + WRITING.length * writing + ADVANCING.length * advancing,
  );
}

function valuesOf({ writing, advancing, lists }: SortedBatch, shape: CommitShape): SqlValue[] {
  return [
    ...padded(writing, shape.writing, WRITING.length),
    ...padded(advancing, shape.advancing, ADVANCING.length),
    ...shape.lists.flatMap((name) =>
      padded(lists[name], roomOf(shape, name), LISTS[name].columns.length),
    ),
  ];
}

/** The values of rows one after another, and NULL for those that are missing. */
function padded(rows: readonly SqlTuple[], count: number, width: number): SqlValue[] {
  const values: SqlValue[] = rows.flat();
  while (values.length < count * width) values.push(null);
  return values;
}

/** Rows in pieces that have room in one statement. */
function piecesFor(rows: readonly SqlTuple[], width: number): readonly (readonly SqlTuple[])[] {
  let most = MAX_PLACES;
  while (most * width > MAX_PARAMETERS - 1) most /= 2;
  const pieces: (readonly SqlTuple[])[] = [];
  for (let at = 0; at < rows.length; at += most) pieces.push(rows.slice(at, at + most));
  return pieces;
}
