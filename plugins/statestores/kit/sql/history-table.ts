import type { ActorId, History, HistoryRow } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { decodeTags } from "../row-codec.ts";
import { places, prepared } from "./dialect.ts";
import { cleanTextOf, numberOf, unreadable } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement, SqlValue } from "./sql-client.ts";

const MAX_INTEGER = Number.MAX_SAFE_INTEGER;
const NOTHING = new Uint8Array(0);
/** Actors in one step of `prune`, and steps in one call. */
const STEP_ACTORS = 256;
const STEPS = 20;
const DELETED_AT_ONCE = 64;

type PruneRequest = Parameters<History["prune"]>[0];

/** Past states. */
export class HistoryTable implements History {
  readonly #access: SqlAccess;
  readonly #byRevision: SqlStatement;
  readonly #list: SqlStatement;
  readonly #actors: SqlStatement;
  readonly #beyond: BucketedStatement;
  readonly #older: BucketedStatement;
  readonly #delete: BucketedStatement;
  /** The key at which the next call of `prune` goes on, by type. */
  readonly #positions = new Map<string, SqlValue>();

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now, first } = dialect.fragments;
    const history = dialect.table("history");
    const columns = "h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state";
    this.#access = access;
    this.#byRevision = prepared(
      `SELECT ${columns} FROM ${history} h WHERE h.actor = $1 AND h.revision = $2`,
    );
    this.#list = prepared(
      `SELECT ${columns} FROM ${history} h
        WHERE h.actor = $1 AND h.revision BETWEEN $2 AND $3 AND h.committed_ms BETWEEN $4 AND $5
        ${first("h.revision DESC", "$6")}`,
    );
    this.#actors = prepared(
      `SELECT a.actor, a.actor_key FROM ${dialect.table("actors")} a
        WHERE a.actor_system = $1 AND a.actor_type = $2 AND a.actor_key > $3
          AND EXISTS (SELECT 1 FROM ${history} h WHERE h.actor = a.actor)
        ${first("a.actor_key", "$4")}`,
    );
    const surplus = (condition: string, bucket: number): string =>
      `SELECT r.actor, r.revision FROM
         (SELECT h.actor, h.revision, h.committed_ms,
                 row_number() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
            FROM ${history} h WHERE h.actor IN (${places(3, bucket)})) r
        WHERE ${condition} ${first("r.actor, r.revision", "$2")}`;
    this.#beyond = new BucketedStatement((bucket) => surplus("r.place > $1", bucket));
    this.#older = new BucketedStatement((bucket) =>
      surplus(`r.committed_ms < ${now} - $1`, bucket),
    );
    this.#delete = new BucketedStatement((bucket) => {
      const rows = Array.from(
        { length: bucket },
        (_, index) => `(actor = $${2 * index + 1} AND revision = $${2 * index + 2})`,
      );
      return `DELETE FROM ${history} WHERE ${rows.join(" OR ")}`;
    });
  }

  async byRevision(actor: ActorId, revision: number): Promise<HistoryRow | undefined> {
    return await this.#access.attempt("repeat", async (client) => {
      const values = [actorIdentity(actor), revision];
      const [row] = (await client.run(this.#byRevision, values)).rows;
      return row === undefined ? undefined : viewHistory(row, actor);
    });
  }

  async list(
    actor: ActorId,
    range: Parameters<History["list"]>[1],
  ): Promise<readonly HistoryRow[]> {
    const { fromRevision = 0, toRevision = MAX_INTEGER, fromMs = -MAX_INTEGER } = range;
    const { toMs = MAX_INTEGER, limit } = range;
    const interval = [fromRevision, toRevision, fromMs, toMs];
    return await this.#access.attempt("repeat", async (client) => {
      const { rows } = await client.run(this.#list, [actorIdentity(actor), ...interval, limit]);
      return rows.map((row) => viewHistory(row, actor));
    });
  }

  async prune(request: PruneRequest): Promise<number> {
    const { system, type, policy, limit } = request;
    if (policy.kind === "all") return 0;
    const place = `${system}/${type}`;
    let pruned = 0;
    for (let step = 0; step < STEPS; step += 1) {
      const from = this.#positions.get(place) ?? NOTHING;
      const actors = await this.#access.rows(this.#actors, [system, type, from, STEP_ACTORS]);
      const rest = limit - pruned;
      const rows = await this.#surplusOf(actors, request, rest);
      pruned += await this.#deleteAll(rows);
      // What is left of these actors is for the next call, which begins with them again.
      if (rows.length === rest) return pruned;
      const last = actors.at(-1)?.[1] ?? null;
      if (actors.length < STEP_ACTORS || last === null) {
        this.#positions.delete(place);
        return pruned;
      }
      this.#positions.set(place, last);
    }
    return pruned;
  }

  async #surplusOf(
    actors: readonly SqlRow[],
    { policy }: PruneRequest,
    most: number,
  ): Promise<readonly SqlRow[]> {
    if (actors.length === 0 || policy.kind === "all") return [];
    const bucketed = policy.kind === "duration" ? this.#older : this.#beyond;
    const bound =
      policy.kind === "duration"
        ? Math.round(policy.ms)
        : policy.kind === "last"
          ? policy.count
          : 0;
    const { statement, keys } = bucketed.for(actors.map(([actor = null]) => actor));
    return await this.#access.rows(statement, [bound, most, ...keys]);
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

/** A past state from revision, time, tags, action, type and state. */
export function viewHistory(row: SqlRow, actor: ActorId): HistoryRow {
  const [revision, committedMs, tagsText, action, stateType = null, data = null] = row;
  const tags = decodeTags(tagsText);
  const type = cleanTextOf(stateType);
  const isSound =
    data === null ? stateType === null : data instanceof Uint8Array && type !== undefined;
  if (tags === undefined || !isSound) {
    throw unreadable(`revision ${numberOf(revision)} of actor ${actor.key}`, "ROW_CORRUPT");
  }
  return {
    revision: numberOf(revision),
    committedMs: numberOf(committedMs),
    tags,
    action: String(action),
    state: data instanceof Uint8Array ? { data, type: type ?? "" } : undefined,
  };
}
