import type { CommitBatch, CommitResult, StatestoreHost } from "../../../../src/contract/index.ts";
import { places } from "./dialect.ts";
import { encodeBatch, type IdentifiedCommit, identified } from "./encode-batch.ts";
import { hexOf, numberOf } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";

/** Turns of many actors in one transaction; who loses is told why by a second look. */
export class CommitTable {
  readonly #host: StatestoreHost;
  readonly #access: SqlAccess;
  readonly #standing: BucketedStatement;

  constructor(host: StatestoreHost, access: SqlAccess) {
    const { dialect } = access;
    this.#host = host;
    this.#access = access;
    this.#standing = new BucketedStatement(
      (bucket) =>
        `SELECT a.actor, a.epoch
           FROM ${dialect.table("actors")} a JOIN ${dialect.table("sessions")} s ON s.id = a.owner
          WHERE a.owner = $1 AND s.state = 'up' AND a.actor IN (${places(2, bucket)})`,
    );
  }

  async commit({ sessionId, commits }: CommitBatch): Promise<readonly CommitResult[]> {
    if (commits.length === 0) return await this.#access.attempts.run("repeat", async () => []);
    const ordered = identified(commits);
    const batch = encodeBatch(sessionId, ordered);
    const won = await this.#access.attempts.commit(() =>
      this.#access.dialect.commit(this.#access.client, batch),
    );
    if (won.length === commits.length) return commits.map(() => "committed" as const);
    const winners = new Set(won.map(hexOf));
    const losers = ordered.filter(({ identity }) => !winners.has(hexOf(identity)));
    const conflicts = await this.#conflicts(sessionId, losers, won.length > 0);
    const lost = new Map(
      losers.map(({ commit }) => [commit, conflicts.has(commit) ? "conflict" : "fenced"] as const),
    );
    return commits.map((commit) => lost.get(commit) ?? "committed");
  }

  /** Those of the losers whose session and epoch still hold, so that it was the revision. */
  async #conflicts(
    sessionId: number,
    losers: readonly IdentifiedCommit[],
    hasWinners: boolean,
  ): Promise<ReadonlySet<CommitBatch["commits"][number]>> {
    const epochs = new Map<string, number>();
    try {
      for (const piece of pieces(losers)) {
        const { statement, keys } = this.#standing.for(piece.map(({ identity }) => identity));
        for (const [actor, epoch] of await this.#access.rows(statement, [sessionId, ...keys])) {
          epochs.set(hexOf(actor), numberOf(epoch));
        }
      }
    } catch (error) {
      // The winners' turns are kept, so the batch as a whole cannot be called not applied.
      throw hasWinners ? this.#undecided(error) : error;
    }
    const holds = ({ identity, commit }: IdentifiedCommit): boolean =>
      epochs.get(hexOf(identity)) === commit.epoch;
    return new Set(losers.filter(holds).map(({ commit }) => commit));
  }

  #undecided(cause: unknown): Error {
    const message = "the statestore did not say which turns of a batch were refused";
    const details = { reason: "STORE_UNREACHABLE", cause };
    return this.#host.error("state.unavailable", message, "unknown", details);
  }
}
