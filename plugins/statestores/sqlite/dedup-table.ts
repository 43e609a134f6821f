import type { ActorId, DedupRecord } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { actorIdentity } from "../kit/identity.ts";
import type { SqlStatement, SqlValue } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** How many rows a call of `prune` looks at for each one that it may delete. */
const PRUNE_LOOKS = 10;

/** The rows that an actor's row lists in `recent`, oldest first. */
const RECENT = `actors a JOIN json_each('[' || rtrim(a.recent, ',') || ']') j
  JOIN dedup d ON d.number = j.value AND d.actor = a.number`;

/**
 * Recorded replies. Rows are only ever appended. The actor's own row, which a commit writes anyway,
 * lists the numbers of the newest; when the list is long it moves to the index in one go. So an
 * index page is written once for many replies and not for each. The first reply of an id stays:
 * the index keeps the first, and lookups take the oldest.
 */
export class DedupTable {
  readonly #connection: SqliteConnection;
  readonly #last: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #index: SqlStatement;
  readonly #clear: SqlStatement;
  readonly #find: SqlStatement;
  readonly #indexed: SqlStatement;
  readonly #recent: SqlStatement;
  readonly #old: SqlStatement;
  readonly #recentNumbers: SqlStatement;
  readonly #indexedFrom: SqlStatement;
  readonly #delete: SqlStatement;
  readonly #unindex: SqlStatement;
  readonly #blanks: readonly SqlStatement[];
  /** Where the next call of `prune` goes on: rows that stay for their number are passed once a round. */
  #prunedUpTo = 0n;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#last = connection.prepare("SELECT max(number) FROM dedup");
    this.#insert = connection.prepare(
      `INSERT INTO dedup (number, actor, request_id, digest, revision, committed_ms, reply)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#index = connection.prepare(
      `INSERT OR IGNORE INTO dedup_index (actor, request_id, number)
       SELECT d.actor, d.request_id, d.number FROM ${RECENT} WHERE a.number = ? ORDER BY d.number`,
    );
    this.#clear = connection.prepare("UPDATE actors SET recent = '' WHERE number = ?");
    this.#find = connection.prepare(
      `SELECT digest, revision, reply FROM dedup WHERE number = coalesce(
         (SELECT i.number FROM actors a JOIN dedup_index i ON i.actor = a.number
           WHERE a.identity = ?1 AND i.request_id = ?2),
         (SELECT min(d.number) FROM ${RECENT} WHERE a.identity = ?1 AND d.request_id = ?2))`,
    );
    this.#indexed = connection.prepare(
      "SELECT request_id FROM dedup_index WHERE actor = ? LIMIT ?",
    );
    this.#recent = connection.prepare(`SELECT d.request_id FROM ${RECENT} WHERE a.number = ?`);
    this.#old = connection.prepare(
      `SELECT number, actor, committed_ms, request_id
         FROM dedup WHERE number > ? ORDER BY number LIMIT ?`,
    );
    this.#recentNumbers = connection.prepare(
      `SELECT DISTINCT d.number FROM ${RECENT} WHERE a.number = ? ORDER BY d.number DESC`,
    );
    this.#indexedFrom = connection.prepare(
      "SELECT number FROM dedup_index WHERE actor = ? ORDER BY number DESC LIMIT 1 OFFSET ?",
    );
    this.#delete = connection.prepare("DELETE FROM dedup WHERE number = ?");
    this.#unindex = connection.prepare(
      "DELETE FROM dedup_index WHERE actor = ? AND request_id = ? AND number = ?",
    );
    this.#blanks = [
      "SELECT number FROM dedup_index WHERE actor = ?",
      `SELECT d.number FROM ${RECENT} WHERE a.number = ?`,
    ].map((rows) =>
      connection.prepare(`UPDATE dedup SET digest = x'', reply = x'' WHERE number IN (${rows})`),
    );
  }

  /** Inside a transaction: the number of the last row; the next row has the next one. */
  lastNumber(): number {
    return Number(this.#last.get()?.[0] ?? 0);
  }

  /** Inside a transaction: appends a row whose number the actor's row lists already. */
  insert(number: number, actor: number, record: DedupRecord, nowMs: number): void {
    const { requestId, digest, revision, reply } = record;
    this.#insert.run(number, actor, requestId, digest, revision, nowMs, reply);
  }

  /** Inside a transaction: moves the actor's list to the index. */
  spill(actor: number): void {
    this.#index.run(actor);
    this.#clear.run(actor);
  }

  /** Inside a transaction: of every reply that the actor has recorded, leaves the request id. */
  blank(actor: number): void {
    for (const statement of this.#blanks) statement.run(actor);
  }

  find(actor: ActorId, requestId: string): DedupRecord | undefined {
    return this.#connection.read(() => {
      const row = this.#find.get(actorIdentity(actor), requestId);
      if (row === undefined) return undefined;
      const [digest, revision, reply] = row;
      if (digest instanceof Uint8Array && reply instanceof Uint8Array) {
        return { requestId, digest, revision: Number(revision), reply };
      }
      const message = `the reply recorded for actor ${actor.key} cannot be read`;
      throw new StoreFailure("state.corrupt", message, "not_applied", { reason: "ROW_CORRUPT" });
    });
  }

  /** Inside a transaction: the ids recorded for an actor, or `undefined` if there are more than `max`. */
  idsOf(actor: number, max: number): readonly string[] | undefined {
    const ids = new Set(this.#indexed.all(actor, max + 1).map((row) => String(row[0])));
    if (ids.size <= max) for (const row of this.#recent.all(actor)) ids.add(String(row[0]));
    return ids.size <= max ? [...ids] : undefined;
  }

  prune(ageMs: number, keep: number, limit: number): number {
    return this.#connection.write((nowMs) => {
      const before = BigInt(nowMs - Math.round(ageMs));
      const surplusTo = new Map<SqlValue, bigint>();
      const looks = limit * PRUNE_LOOKS;
      const rows = this.#old.all(this.#prunedUpTo, looks);
      let pruned = 0;
      let ended = false;
      for (const [number = 0n, actor = 0n, committedMs = 0n, requestId = ""] of rows) {
        if (pruned >= limit) return pruned;
        // Rows are in order of their commits, so all that follow are younger.
        ended = BigInt(committedMs as bigint) > before;
        if (ended) break;
        this.#prunedUpTo = number as bigint;
        const to = surplusTo.get(actor) ?? this.#surplusTo(actor, keep);
        surplusTo.set(actor, to);
        if ((number as bigint) > to) continue;
        pruned += this.#delete.run(number);
        this.#unindex.run(actor, requestId, number);
      }
      // Rows that were kept for their number are looked at again: newer ones may have come.
      if (ended || rows.length < looks) this.#prunedUpTo = 0n;
      return pruned;
    });
  }

  /** The greatest number of the actor that is not among its newest `keep`; -1 if all are. */
  #surplusTo(actor: SqlValue, keep: number): bigint {
    const recent = this.#recentNumbers.all(actor);
    const row = recent[keep] ?? this.#indexedFrom.get(actor, Math.max(0, keep - recent.length));
    return (row?.[0] as bigint | undefined) ?? -1n;
  }
}
