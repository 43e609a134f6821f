import type {
  ActorId,
  ClaimRequest,
  ClaimResult,
  ReadResult,
  StoredState,
  StringMap,
} from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { actorIdentity } from "../kit/identity.ts";
import { decodeTags, isCleanText, positionDamage } from "../kit/row-codec.ts";
import type { DedupTable } from "./dedup-table.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SessionTable } from "./session-table.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** An actor's row once everything in it has been found sound. */
interface SoundRow {
  readonly handle: number;
  readonly epoch: number;
  readonly revision: number;
  readonly state: StoredState | undefined;
  readonly tags: StringMap;
  readonly owner: number | undefined;
  readonly living: { readonly nodeName: string; readonly address: string } | undefined;
  readonly seed: { readonly seed?: Uint8Array };
}

/** Row numbers of recorded replies, each followed by a comma. */
const RECENT_PATTERN = /^(?:\d+,)*$/;

/** Actors: who owns them, and where they stand. */
export class ActorTable {
  readonly #connection: SqliteConnection;
  readonly #sessions: SessionTable;
  readonly #dedup: DedupTable;
  readonly #find: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #take: SqlStatement;
  readonly #epoch: SqlStatement;
  readonly #release: SqlStatement;

  constructor(connection: SqliteConnection, sessions: SessionTable, dedup: DedupTable) {
    this.#connection = connection;
    this.#sessions = sessions;
    this.#dedup = dedup;
    this.#find = connection.prepare(
      `SELECT a.number, a.system, a.type, a.key, a.owner, a.epoch, a.revision, a.tags,
              a.state_type, a.state, s.node_name, s.address, s.expires_ms, a.recent, w.wrapped
         FROM actors a LEFT JOIN sessions s ON s.id = a.owner AND s.state = 'up'
                       LEFT JOIN seeds w ON w.actor = a.number
        WHERE a.identity = ?`,
    );
    this.#insert = connection.prepare(
      `INSERT INTO actors (identity, system, type, key, owner, epoch, revision, updated_ms, tags)
       VALUES (?, ?, ?, ?, ?, 1, 0, ?, '{}') RETURNING number`,
    );
    this.#take = connection.prepare(
      "UPDATE actors SET owner = ?, epoch = epoch + 1 WHERE number = ? AND epoch = ?",
    );
    this.#epoch = connection.prepare("SELECT epoch FROM actors WHERE identity = ?");
    this.#release = connection.prepare(
      "UPDATE actors SET owner = NULL WHERE identity = ? AND owner = ? AND epoch = ?",
    );
  }

  claim(request: ClaimRequest): readonly ClaimResult[] {
    try {
      return this.#claimAll(request, new Set());
    } catch (error) {
      // A broken page undoes the whole transaction, so the rows on it must be known beforehand.
      const broken = new Set(
        request.actors.filter((actor) => this.#lookOutside(actor) === "ROW_CORRUPT"),
      );
      if (broken.size === 0) throw error;
      return this.#claimAll(request, broken);
    }
  }

  #claimAll(
    { sessionId, actors, maxRequestIds }: ClaimRequest,
    broken: ReadonlySet<ActorId>,
  ): readonly ClaimResult[] {
    return this.#connection.write((nowMs) => {
      this.#sessions.assertAlive(sessionId, nowMs);
      return actors.map((actor) => {
        if (broken.has(actor)) return { kind: "damaged", reason: "ROW_CORRUPT" };
        return this.#claimOne(sessionId, actor, maxRequestIds, nowMs);
      });
    });
  }

  /** As `#look`, outside a transaction, where a broken page does no harm to others. */
  #lookOutside(actor: ActorId): SoundRow | string | undefined {
    try {
      return this.#look(actor, actorIdentity(actor), 0);
    } catch (error) {
      if (this.#connection.isDamage(error)) return "ROW_CORRUPT";
      throw error;
    }
  }

  #claimOne(sessionId: number, actor: ActorId, maxRequestIds: number, nowMs: number): ClaimResult {
    const identity = actorIdentity(actor);
    const found = this.#look(actor, identity, nowMs);
    if (found === undefined) {
      const { system, type, key } = actor;
      const handle = this.#insert.get(identity, system, type, key, sessionId, nowMs)?.[0];
      return {
        kind: "claimed",
        handle: Number(handle),
        epoch: 1,
        revision: 0,
        state: undefined,
        tags: {},
        requestIds: [],
        existed: false,
      };
    }
    if (typeof found === "string") return { kind: "damaged", reason: found };
    const { handle, epoch, revision, state, tags, owner, living, seed } = found;
    if (owner !== undefined && owner !== sessionId) {
      if (living !== undefined) return { kind: "owned", sessionId: owner, ...living };
      this.#sessions.fenceExpired(owner, nowMs);
    }
    this.#take.run(sessionId, handle, epoch);
    const requestIds = this.#dedup.idsOf(handle, maxRequestIds);
    const existed = true;
    return {
      kind: "claimed",
      handle,
      epoch: epoch + 1,
      revision,
      state,
      tags,
      requestIds,
      existed,
      ...seed,
    };
  }

  /** The row, why it cannot be served, or `undefined` if there is none. */
  #look(actor: ActorId, identity: Uint8Array, nowMs: number): SoundRow | string | undefined {
    const row = this.#find.get(identity);
    return row === undefined ? undefined : soundRow(row, actor, nowMs);
  }

  epochs(actors: readonly ActorId[]): readonly (number | undefined)[] {
    return this.#connection.read(() =>
      actors.map((actor) => {
        const epoch = this.#epoch.get(actorIdentity(actor))?.[0];
        return epoch === undefined ? undefined : Number(epoch);
      }),
    );
  }

  read(actor: ActorId): ReadResult | undefined {
    return this.#connection.read(() => {
      const found = this.#lookOutside(actor);
      if (found === undefined) return undefined;
      if (typeof found === "string") throw damage(`the row of actor ${actor.key}`, found);
      const { epoch, revision, state, tags, seed } = found;
      return { epoch, revision, state, tags, ...seed };
    });
  }

  release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): void {
    this.#connection.write(() => {
      for (const { actor, epoch } of actors) {
        this.#release.run(actorIdentity(actor), sessionId, epoch);
      }
    });
  }
}

function damage(subject: string, reason: string): StoreFailure {
  return new StoreFailure("state.corrupt", `${subject} cannot be read`, "not_applied", { reason });
}

function soundRow(row: SqlRow, actor: ActorId, nowMs: number): SoundRow | string {
  const [number, system, type, key, owner, epoch, revision, tagsText, stateType, data] = row;
  if (system !== actor.system || type !== actor.type || key !== actor.key) return "ROW_MISMATCH";
  const bad = positionDamage(epoch, revision, data !== null);
  if (bad !== undefined) return bad;
  const tags = decodeTags(tagsText);
  if (tags === undefined) return "TAGS_UNREADABLE";
  let state: StoredState | undefined;
  if (data !== null || stateType !== null) {
    if (!(data instanceof Uint8Array) || !isCleanText(stateType)) return "STATE_UNREADABLE";
    state = { data, type: stateType };
  }
  const [nodeName, address, expiresMs, recent, seed] = row.slice(10);
  if (!RECENT_PATTERN.test(String(recent))) return "DEDUP_UNREADABLE";
  const alive = typeof expiresMs === "bigint" && Number(expiresMs) > nowMs;
  return {
    handle: Number(number),
    epoch: Number(epoch),
    revision: Number(revision),
    state,
    tags,
    owner: owner === null ? undefined : Number(owner),
    living: alive ? { nodeName: String(nodeName), address: String(address) } : undefined,
    seed: seed instanceof Uint8Array ? { seed } : {},
  };
}
