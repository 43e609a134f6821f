import type { EncodedBatch, EncodedEffects, SqlTuple } from "../kit/sql/commit-batch.ts";
import { places } from "../kit/sql/dialect.ts";
import type { SqlClient, SqlResult, SqlRunner, SqlValue } from "../kit/sql/sql-client.ts";
import { type BoundStatement, BucketedTexts } from "./bucketed-texts.ts";
import { NOW } from "./mysql-clock.ts";
import { MysqlEffects } from "./mysql-effects.ts";
import { tableName } from "./mysql-schema.ts";
import { padded, sliced } from "./row-slices.ts";

const ACTORS = tableName("actors");

/** The parameters of one actor, behind that of the session; see `BATCH_COLUMNS.actors`. */
const WRITE_COLUMNS = [
  "actor",
  "epoch",
  "base",
  "revision",
  "tags",
  "state_type",
  "state",
] as const;
type WriteColumn = (typeof WRITE_COLUMNS)[number];
const KEEP_COLUMNS = WRITE_COLUMNS.slice(0, 4);

/** Until the server has said how much it takes. */
const DEFAULT_PACKET_BYTES = 4 * 1024 * 1024;

/** Texts of one width: where each column of each row is bound. */
class Places {
  readonly #columns: readonly WriteColumn[];
  readonly #bucket: number;

  constructor(columns: readonly WriteColumn[], bucket: number) {
    this.#columns = columns;
    this.#bucket = bucket;
  }

  of(column: WriteColumn): string {
    const at = this.#columns.indexOf(column) + 2;
    const list = Array.from(
      { length: this.#bucket },
      (_, row) => `$${at + row * this.#columns.length}`,
    );
    return list.join(", ");
  }

  /** The value of a column for the row at hand. */
  own(column: WriteColumn): string {
    return `ELT(FIELD(actor, ${this.of("actor")}), ${this.of(column)})`;
  }

  /** The compare-and-set: owner, session, epoch and revision. */
  held(): string {
    const tuples = Array.from(
      { length: this.#bucket },
      (_, row) => `(${places(2 + row * this.#columns.length, 3)})`,
    );
    return `actor IN (${this.of("actor")}) AND (actor, epoch, revision) IN (${tuples.join(", ")})
     AND owner = (SELECT id FROM ${tableName("sessions")} WHERE id = $1 AND state = 'up')`;
  }
}

/** `revision` comes last: what is assigned before sees the one of before. */
function writeText(bucket: number): string {
  const list = new Places(WRITE_COLUMNS, bucket);
  return `UPDATE ${ACTORS} FORCE INDEX (PRIMARY)
     SET updated_ms = ${NOW}, commits = commits + 1, tags = ${list.own("tags")},
         state_type = ${list.own("state_type")}, state = ${list.own("state")},
         revision = ${list.own("revision")}
   WHERE ${list.held()}`;
}

function keepText(bucket: number): string {
  const list = new Places(KEEP_COLUMNS, bucket);
  return `UPDATE ${ACTORS} FORCE INDEX (PRIMARY)
     SET updated_ms = CASE WHEN revision = CAST(${list.own("revision")} AS SIGNED)
                           THEN updated_ms ELSE ${NOW} END,
         commits = commits + 1, revision = ${list.own("revision")}
   WHERE ${list.held()}`;
}

function winnersText(bucket: number): string {
  const list = new Places(KEEP_COLUMNS, bucket);
  return `SELECT actor FROM ${ACTORS} FORCE INDEX (PRIMARY)
   WHERE ${list.held()} ORDER BY actor FOR UPDATE`;
}

function dedupText(bucket: number): string {
  const rows = Array.from({ length: bucket }, (_, row) => {
    const [actor, id, revision, digest, reply] = [1, 2, 3, 4, 5].map((n) => `$${row * 5 + n}`);
    return `(${actor}, ${id}, ${revision}, ${NOW}, ${digest}, ${reply})`;
  });
  return `INSERT INTO ${tableName("dedup")}
       (actor, request_id, revision, committed_ms, digest, reply)
   VALUES ${rows.join(", ")} ON DUPLICATE KEY UPDATE revision = revision`;
}

/** Ends a transaction in which not every compare-and-set was won. */
class NotAllWon extends Error {}

/**
 * Commits in one transaction. Nearly always every row wins: so compare-and-sets, replies and effects
 * are sent at once, without waiting for each other, and the rows that were changed are counted. The condition
 * stands in the WHERE and a row that meets it always changes, so no way of counting takes a loser for
 * a winner. If a row has lost, all is rolled back, the winners are locked, and they alone commit.
 */
export class MysqlCommit {
  readonly #write = new BucketedTexts(writeText);
  readonly #keep = new BucketedTexts(keepText);
  readonly #winners = new BucketedTexts(winnersText);
  readonly #dedup = new BucketedTexts(dedupText);
  readonly #effects = new MysqlEffects();
  #packetBytes = DEFAULT_PACKET_BYTES;

  /** No statement is larger than what the server takes; a state that is by itself is refused. */
  setMaxPacketBytes(bytes: number): void {
    this.#packetBytes = bytes;
  }

  async commit(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    try {
      return await client.transaction((runner) => this.#commitAll(runner, batch));
    } catch (error) {
      if (!(error instanceof NotAllWon)) throw error;
    }
    try {
      return await client.transaction(async (runner) => {
        const winners = await this.#lockWinners(runner, batch);
        return await this.#commitAll(runner, only(batch, winners));
      });
    } catch (error) {
      if (error instanceof NotAllWon) return [];
      throw error;
    }
  }

  /** Rejects with `NotAllWon` unless every row is won, and if there is none. */
  async #commitAll(runner: SqlRunner, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    const { sessionId, actors, dedup, effects } = batch;
    const writing = actors.filter(([, , , , writes]) => writes === 1).map(withoutFlag);
    const keeping = actors.filter(([, , , , writes]) => writes !== 1).map(positionOf);
    const sets = [
      ...this.#padded(this.#write, writing, sessionId),
      ...this.#padded(this.#keep, keeping, sessionId),
    ];
    const others = [
      ...(effects === undefined ? [] : this.#effects.shredding(effects)),
      ...sliced(dedup, this.#packetBytes).map((rows) => this.#dedup.bind(rows.length, rows.flat())),
      ...(effects === undefined ? [] : this.#effects.writing(effects, this.#packetBytes)),
    ];
    const setting = sendAll(runner, sets);
    const writingOthers = sendAll(runner, others);
    // What becomes of the others does not matter to a batch that has lost a row.
    writingOthers.catch(() => undefined);
    const changed = (await setting).reduce((sum, result) => sum + result.changed, 0);
    if (changed === 0 || changed !== actors.length) throw new NotAllWon();
    await writingOthers;
    return actors.map(([actor = null]) => actor);
  }

  async #lockWinners(runner: SqlRunner, batch: EncodedBatch): Promise<readonly SqlValue[]> {
    const { sessionId, actors } = batch;
    const locking = this.#padded(this.#winners, actors.map(positionOf), sessionId);
    const winners = (await sendAll(runner, locking)).flatMap(({ rows }) => rows);
    if (winners.length === 0) throw new NotAllWon();
    return winners.map(([actor = null]) => actor);
  }

  /** Statements over slices of the rows, in order. */
  #padded(
    texts: BucketedTexts,
    rows: readonly SqlTuple[],
    sessionId: number,
  ): readonly BoundStatement[] {
    return padded(rows, this.#packetBytes).map((slice) =>
      texts.bind(slice.length, [sessionId, ...slice.flat()]),
    );
  }
}

/** Sends all without waiting; the server runs them in order. */
function sendAll(
  runner: SqlRunner,
  statements: readonly BoundStatement[],
): Promise<readonly SqlResult[]> {
  return Promise.all(statements.map(({ statement, values }) => runner.run(statement, values)));
}

function withoutFlag([actor, epoch, base, revision, , tags, type, state]: SqlTuple): SqlTuple {
  return [actor, epoch, base, revision, tags, type, state].map((value) => value ?? null);
}

function positionOf(row: SqlTuple): SqlTuple {
  return row.slice(0, 4);
}

/** What of a batch belongs to these actors. */
function only(batch: EncodedBatch, actors: readonly SqlValue[]): EncodedBatch {
  const won = new Set(actors.map(keyOf));
  const theirs = (rows: readonly SqlTuple[]) => rows.filter(([actor]) => won.has(keyOf(actor)));
  const { sessionId, effects } = batch;
  const lists = Object.entries(effects ?? {}).map(([list, rows]) => [list, theirs(rows)]);
  return {
    sessionId,
    actors: theirs(batch.actors),
    dedup: theirs(batch.dedup),
    effects: effects === undefined ? undefined : (Object.fromEntries(lists) as EncodedEffects),
  };
}

function keyOf(actor: SqlValue | undefined): string {
  return actor instanceof Uint8Array ? Buffer.from(actor).toString("latin1") : "";
}
