import type { CommitResult } from "../../../src/contract/index.ts";
import type { FramedBatch, FramedCommit } from "./commit-frame.ts";
import type { SqlStatement } from "./driver.ts";
import type { HistoryTable } from "./history-table.ts";
import type { SessionTable } from "./session-table.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Condition of every commit: the row is still this owner's, at this epoch and revision. */
const HELD = "number = ? AND epoch = ? AND revision = ? AND owner = ?";

/** Turns of many actors in one transaction. */
export class CommitTable {
  readonly #connection: SqliteConnection;
  readonly #sessions: SessionTable;
  readonly #history: HistoryTable;
  readonly #write: SqlStatement;
  readonly #advance: SqlStatement;
  readonly #held: SqlStatement;
  readonly #owned: SqlStatement;
  readonly #dedup: SqlStatement;
  readonly #outbox: SqlStatement;
  readonly #cancel: SqlStatement;
  readonly #schedule: SqlStatement;

  constructor(connection: SqliteConnection, sessions: SessionTable, history: HistoryTable) {
    this.#connection = connection;
    this.#sessions = sessions;
    this.#history = history;
    this.#write = connection.prepare(
      `UPDATE actors SET revision = ?, updated_ms = ?, tags = ?, state_type = ?, state = ?
        WHERE ${HELD}`,
    );
    this.#advance = connection.prepare(
      `UPDATE actors SET revision = ?, updated_ms = ? WHERE ${HELD}`,
    );
    this.#held = connection.prepare(`SELECT 1 FROM actors WHERE ${HELD}`);
    this.#owned = connection.prepare(
      "SELECT 1 FROM actors WHERE number = ? AND epoch = ? AND owner = ?",
    );
    this.#dedup = connection.prepare(
      `INSERT INTO dedup (actor, request_id, digest, revision, committed_ms, reply)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reply = excluded.reply`,
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
    return this.#connection.write((nowMs) => {
      if (!this.#sessions.isUp(sessionId)) return commits.map(() => "fenced" as const);
      const results = commits.map((commit) => this.#compareAndSet(commit, sessionId, nowMs));
      for (const [index, commit] of commits.entries()) {
        if (results[index] === "committed") this.#insert(commit, nowMs);
      }
      return results;
    });
  }

  #compareAndSet(commit: FramedCommit, sessionId: number, nowMs: number): CommitResult {
    const { handle, epoch, baseRevision, revision, written } = commit;
    if (revision === baseRevision) {
      if (this.#held.get(handle, epoch, baseRevision, sessionId) !== undefined) return "committed";
    } else {
      const changed =
        written === undefined
          ? this.#advance.run(revision, nowMs, handle, epoch, baseRevision, sessionId)
          : this.#write.run(
              revision,
              nowMs,
              written.tags,
              written.state?.type ?? null,
              written.state?.data ?? null,
              handle,
              epoch,
              baseRevision,
              sessionId,
            );
      if (changed > 0) return "committed";
    }
    return this.#owned.get(handle, epoch, sessionId) === undefined ? "fenced" : "conflict";
  }

  #insert(commit: FramedCommit, nowMs: number): void {
    const { handle: actor } = commit;
    for (const { requestId, digest, revision, reply } of commit.dedup) {
      this.#dedup.run(actor, requestId, digest, revision, nowMs, reply);
    }
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
    this.#history.append(actor, commit.history, commit.historyPolicy, nowMs);
  }
}
