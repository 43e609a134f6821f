import type { CommitResult } from "../../../src/contract/index.ts";
import type { FramedBatch, FramedCommit } from "./commit-frame.ts";
import type { DedupTable } from "./dedup-table.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { HistoryTable } from "./history-table.ts";
import type { SeedTable } from "./seed-table.ts";
import type { SessionTable } from "./session-table.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Condition of every commit: the row is still this owner's, at this epoch and revision. */
const HELD = "number = ? AND epoch = ? AND revision = ? AND owner = ?";

/** A list of recorded replies this long moves to the index: some 16 numbers. */
const LONG_LIST = 112;

/** The tables that a commit reads and writes besides its own. */
export interface CommitTables {
  readonly sessions: SessionTable;
  readonly dedup: DedupTable;
  readonly history: HistoryTable;
  readonly seeds: SeedTable;
}

/** A commit with what its compare-and-set came to. */
interface Attempt {
  readonly commit: FramedCommit;
  readonly result: CommitResult;
  /** Number of the first of its recorded replies. */
  readonly firstReply: number;
  /** Its actor's list of recorded replies is to move to the index. */
  readonly spills: boolean;
}

/** Turns of many actors in one transaction. */
export class CommitTable {
  readonly #connection: SqliteConnection;
  readonly #tables: CommitTables;
  readonly #write: SqlStatement;
  readonly #advance: SqlStatement;
  readonly #held: SqlStatement;
  readonly #writeListing: SqlStatement;
  readonly #advanceListing: SqlStatement;
  readonly #heldListing: SqlStatement;
  readonly #owned: SqlStatement;
  readonly #outbox: SqlStatement;
  readonly #cancel: SqlStatement;
  readonly #schedule: SqlStatement;

  constructor(connection: SqliteConnection, tables: CommitTables) {
    this.#connection = connection;
    this.#tables = tables;
    const write =
      "UPDATE actors SET revision = ?, updated_ms = ?, tags = ?, state_type = ?, state = ?";
    const advance = "UPDATE actors SET revision = ?, updated_ms = ?";
    const list = "recent = recent || ?";
    const listed = `WHERE ${HELD} RETURNING length(recent)`;
    this.#write = connection.prepare(`${write} WHERE ${HELD}`);
    this.#advance = connection.prepare(`${advance} WHERE ${HELD}`);
    this.#held = connection.prepare(`SELECT 1 FROM actors WHERE ${HELD}`);
    this.#writeListing = connection.prepare(`${write}, ${list} ${listed}`);
    this.#advanceListing = connection.prepare(`${advance}, ${list} ${listed}`);
    this.#heldListing = connection.prepare(`UPDATE actors SET ${list} ${listed}`);
    this.#owned = connection.prepare(
      "SELECT 1 FROM actors WHERE number = ? AND epoch = ? AND owner = ?",
    );
    this.#outbox = connection.prepare(
      `INSERT INTO outbox (actor, id, revision, position, target_system, target_type, target_key,
                           action, delay_ms, due_ms, ready_ms, attempts, body)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0, ?11)`,
    );
    this.#cancel = connection.prepare("DELETE FROM schedules WHERE actor = ? AND name = ?");
    this.#schedule = connection.prepare(
      `INSERT INTO schedules (actor, name, due_ms, held_until_ms, repeat, action, body)
       VALUES (?, ?, ?, 0, ?, ?, ?)`,
    );
  }

  /** First every compare-and-set, then what the winners insert. */
  commit({ sessionId, commits }: FramedBatch): readonly CommitResult[] {
    const { sessions, dedup } = this.#tables;
    return this.#connection.write((nowMs) => {
      if (!sessions.isUp(sessionId)) return commits.map(() => "fenced" as const);
      let reply = commits.some((commit) => commit.dedup.length > 0) ? dedup.lastNumber() + 1 : 0;
      const attempts = commits.map((commit) => {
        const attempt = this.#attempt(commit, sessionId, nowMs, reply);
        reply += commit.dedup.length;
        return attempt;
      });
      for (const attempt of attempts) {
        if (attempt.result === "committed") this.#insert(attempt, nowMs);
      }
      return attempts.map(({ result }) => result);
    });
  }

  #attempt(commit: FramedCommit, sessionId: number, nowMs: number, firstReply: number): Attempt {
    const { handle, epoch, baseRevision, dedup } = commit;
    const held = [handle, epoch, baseRevision, sessionId];
    let length: number | undefined;
    if (dedup.length === 0) {
      if (this.#compareAndSet(commit, held, nowMs)) length = 0;
    } else {
      const list = dedup.map((_, index) => `${firstReply + index},`).join("");
      const row = this.#compareAndList(commit, held, nowMs, list);
      if (row !== undefined) length = Number(row[0]);
    }
    if (length !== undefined) {
      return { commit, result: "committed", firstReply, spills: length >= LONG_LIST };
    }
    const owned = this.#owned.get(handle, epoch, sessionId) !== undefined;
    return { commit, result: owned ? "conflict" : "fenced", firstReply, spills: false };
  }

  #compareAndSet(commit: FramedCommit, held: readonly number[], nowMs: number): boolean {
    const { baseRevision, revision, written } = commit;
    if (revision === baseRevision) return this.#held.get(...held) !== undefined;
    if (written === undefined) return this.#advance.run(revision, nowMs, ...held) > 0;
    const { tags, state } = written;
    const [type, data] = [state?.type ?? null, state?.data ?? null];
    return this.#write.run(revision, nowMs, tags, type, data, ...held) > 0;
  }

  /** As above, for turns with recorded replies: also lists their numbers in the actor's row. */
  #compareAndList(
    commit: FramedCommit,
    held: readonly number[],
    nowMs: number,
    list: string,
  ): SqlRow | undefined {
    const { baseRevision, revision, written } = commit;
    if (revision === baseRevision) return this.#heldListing.get(list, ...held);
    if (written === undefined) return this.#advanceListing.get(revision, nowMs, list, ...held);
    const { tags, state } = written;
    const [type, data] = [state?.type ?? null, state?.data ?? null];
    return this.#writeListing.get(revision, nowMs, tags, type, data, list, ...held);
  }

  #insert({ commit, firstReply, spills }: Attempt, nowMs: number): void {
    const { handle: actor, seed } = commit;
    const { dedup, seeds } = this.#tables;
    if (commit.shred) {
      seeds.drop(actor);
      dedup.blank(actor);
    }
    if (seed !== undefined) seeds.put(actor, seed);
    for (const [index, record] of commit.dedup.entries()) {
      dedup.insert(firstReply + index, actor, record, nowMs);
    }
    if (spills) dedup.spill(actor);
    for (const message of commit.outbox) {
      const { id, revision, index, target, action, body, delayMs } = message;
      const { system, type, key } = target;
      const dueMs = nowMs + delayMs;
      this.#outbox.run(actor, id, revision, index, system, type, key, action, delayMs, dueMs, body);
    }
    for (const { name, set } of commit.schedules) {
      this.#cancel.run(actor, name);
      if (set !== undefined) {
        this.#schedule.run(actor, name, set.dueMs, set.repeat, set.action, set.body);
      }
    }
    this.#tables.history.append(actor, commit.history, commit.historyPolicy, nowMs);
  }
}
