import type { ActorId, DedupRecord } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { places, prepared } from "./dialect.ts";
import { bytesOf, hexOf, numberOf, utf8 } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement, SqlValue } from "./sql-client.ts";

/** How many old rows a call of `prune` looks at for each one that it may delete, and at least. */
const LOOKS = 10;
const MIN_LOOKS = 100;
const DELETED_AT_ONCE = 64;
const NOTHING = new Uint8Array(0);

/** Below every row in the order of age: time, actor, request id. */
const START: readonly SqlValue[] = [0, NOTHING, NOTHING];

/** Recorded replies. */
export class DedupTable {
  readonly #access: SqlAccess;
  readonly #find: SqlStatement;
  readonly #old: SqlStatement;
  readonly #surplus: BucketedStatement;
  readonly #delete: BucketedStatement;
  /** The row after which the next call of `prune` goes on: rows that stay for their number are passed once a round. */
  #position = START;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now, first, after } = dialect.fragments;
    const dedup = dialect.table("dedup");
    this.#access = access;
    this.#find = prepared(
      `SELECT digest, revision, reply FROM ${dedup} WHERE actor = $1 AND request_id = $2`,
    );
    const byAge = ["committed_ms", "actor", "request_id"];
    this.#old = prepared(
      `SELECT committed_ms, actor, request_id FROM ${dedup}
        WHERE committed_ms <= ${now} - $1 AND ${after(byAge, ["$2", "$3", "$4"])}
        ${first(byAge.join(", "), "$5")}`,
    );
    this.#surplus = new BucketedStatement(
      (bucket) =>
        `SELECT r.actor, r.request_id FROM
           (SELECT d.actor, d.request_id, d.committed_ms,
                   row_number() OVER (PARTITION BY d.actor ORDER BY d.committed_ms DESC,
                                      d.revision DESC, d.request_id DESC) AS place
              FROM ${dedup} d WHERE d.actor IN (${places(4, bucket)})) r
          WHERE r.place > $1 AND r.committed_ms <= ${now} - $2
          ${first("r.committed_ms, r.place DESC", "$3")}`,
    );
    this.#delete = new BucketedStatement((bucket) => {
      const rows = Array.from(
        { length: bucket },
        (_, index) => `(actor = $${2 * index + 1} AND request_id = $${2 * index + 2})`,
      );
      return `DELETE FROM ${dedup} WHERE ${rows.join(" OR ")}`;
    });
  }

  async find(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    return await this.#access.attempt("repeat", async (client) => {
      const values = [actorIdentity(actor), utf8(requestId)];
      const [row] = (await client.run(this.#find, values)).rows;
      if (row === undefined) return undefined;
      const [digest, revision, reply] = row;
      const subject = `the reply recorded for actor ${actor.key}`;
      return {
        requestId,
        digest: bytesOf(digest, subject),
        revision: numberOf(revision),
        reply: bytesOf(reply, subject),
      };
    });
  }

  async prune(ageMs: number, keep: number, limit: number): Promise<number> {
    const age = Math.round(ageMs);
    const looks = Math.max(MIN_LOOKS, limit * LOOKS);
    const old = await this.#access.rows(this.#old, [age, ...this.#position, looks]);
    const actors = new Map(old.map(([, actor = null]) => [hexOf(actor), actor]));
    let pruned = 0;
    for (const piece of pieces([...actors.values()])) {
      const { statement, keys } = this.#surplus.for(piece);
      const rest = limit - pruned;
      const rows = await this.#access.rows(statement, [keep, age, rest, ...keys]);
      pruned += await this.#deleteAll(rows);
      if (rows.length === rest) return pruned;
    }
    const last = old.length < looks ? undefined : old.at(-1);
    // Rows that were kept for their number are looked at again: newer ones may have come.
    this.#position = last ?? START;
    return pruned;
  }

  async #deleteAll(rows: readonly SqlRow[]): Promise<number> {
    let deleted = 0;
    for (const piece of pieces(rows, DELETED_AT_ONCE)) {
      const { statement, keys } = this.#delete.for(piece);
      deleted += (await this.#access.run(statement, keys.flat())).changed;
    }
    return deleted;
  }
}
