import type {
  ActorCommit,
  ActorId,
  ActorSummary,
  ActorTypeSpec,
  ClaimRequest,
  ClaimResult,
  CommitBatch,
  CommitResult,
  DedupRecord,
  MetaTable,
  ReadResult,
  Search,
  Seeds,
  Statestore,
  StatestoreHost,
  TypeRegistry,
} from "../../../src/contract/index.ts";
import { actorPath } from "../kit/identity.ts";
import { applyCommit } from "./memory-commit.ts";
import { MemoryHistory } from "./memory-history.ts";
import { MemoryPortability } from "./memory-portability.ts";
import { MemoryOutbox, MemorySchedules } from "./memory-queues.ts";
import { type ActorRow, MemoryRows } from "./memory-rows.ts";
import { MemorySessions } from "./memory-sessions.ts";

/**
 * The whole contract on maps. Every method finishes its work before its promise is returned, so
 * calls never interleave and each one is a transaction by itself.
 */
export class MemoryStatestore implements Statestore {
  readonly durability = "process";
  readonly exclusive = true;
  readonly lanes = 1;
  readonly sessions: MemorySessions;
  readonly types: TypeRegistry;
  readonly meta: MetaTable;
  readonly search: Search;
  readonly history: MemoryHistory;
  readonly outbox: MemoryOutbox;
  readonly schedules: MemorySchedules;
  readonly portability: MemoryPortability;
  readonly seeds: Seeds;
  readonly #host: StatestoreHost;
  readonly #rows = new MemoryRows();

  constructor(host: StatestoreHost) {
    this.#host = host;
    this.sessions = new MemorySessions(host.clock);
    this.types = memoryTypes(this.#rows.types);
    this.meta = memoryMeta(this.#rows.meta);
    this.search = { list: (query) => Promise.resolve(this.#list(query)) };
    this.history = new MemoryHistory(this.#rows, () => this.#host.clock.wallMs());
    this.outbox = new MemoryOutbox(this.#rows, host.clock);
    this.schedules = new MemorySchedules(this.#rows, host.clock);
    this.portability = new MemoryPortability(this.#rows, host);
    this.seeds = { find: (actors) => Promise.resolve(actors.map((actor) => this.#seedOf(actor))) };
  }

  async describe(): Promise<string> {
    return "memory of this process";
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    const { sessionId, actors, maxRequestIds } = request;
    if (!this.sessions.isAlive(sessionId)) {
      throw this.#host.error("state.fenced", `session ${sessionId} is not up`, "not_applied", {
        reason: "SESSION_FENCED",
      });
    }
    return actors.map((actor) => this.#claimOne(sessionId, actor, maxRequestIds));
  }

  #claimOne(sessionId: number, actor: ActorId, maxRequestIds: number): ClaimResult {
    const found = this.#rows.actors.get(actorPath(actor));
    if (found !== undefined && found.owner !== sessionId) {
      const owner = this.sessions.livingOwner(found.owner);
      if (owner !== undefined) {
        const { id, nodeName, address } = owner;
        return { kind: "owned", sessionId: id, nodeName, address };
      }
    }
    const row = found ?? this.#insert(actor);
    row.owner = sessionId;
    row.epoch += 1;
    const { handle, epoch, revision, state, tags, dedup } = row;
    const requestIds = dedup.size > maxRequestIds ? undefined : [...dedup.keys()];
    const existed = found !== undefined;
    const seed = seedMember(row.seed);
    return { kind: "claimed", handle, epoch, revision, state, tags, requestIds, existed, ...seed };
  }

  #insert({ system, type, key }: ActorId): ActorRow {
    const row: ActorRow = {
      actor: { system, type, key },
      handle: this.#rows.nextNumber(),
      owner: 0,
      epoch: 0,
      revision: 0,
      state: undefined,
      tags: {},
      updatedMs: this.#host.clock.wallMs(),
      seed: undefined,
      dedup: new Map(),
      schedules: new Map(),
      history: [],
    };
    this.#rows.actors.set(actorPath(row.actor), row);
    this.#rows.byHandle.set(row.handle, row);
    return row;
  }

  async epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    return actors.map((actor) => this.#rows.actors.get(actorPath(actor))?.epoch);
  }

  async dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    const kept = this.#rows.actors.get(actorPath(actor))?.dedup.get(requestId);
    if (kept === undefined) return undefined;
    return { requestId, digest: kept.digest, revision: kept.revision, reply: kept.reply };
  }

  async commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    const wallMs = this.#host.clock.wallMs();
    const up = this.sessions.isUp(batch.sessionId);
    return batch.commits.map((commit) => this.#commitOne(commit, batch.sessionId, up, wallMs));
  }

  #commitOne(commit: ActorCommit, sessionId: number, up: boolean, wallMs: number): CommitResult {
    const row = this.#rows.byHandle.get(commit.handle);
    if (!up || row?.owner !== sessionId || row.epoch !== commit.epoch) return "fenced";
    if (row.revision !== commit.baseRevision) return "conflict";
    applyCommit(this.#rows, row, commit, wallMs);
    return "committed";
  }

  async release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    for (const { actor, epoch } of actors) {
      const row = this.#rows.actors.get(actorPath(actor));
      if (row?.owner === sessionId && row.epoch === epoch) row.owner = 0;
    }
  }

  async read(actor: ActorId): Promise<ReadResult | undefined> {
    const row = this.#rows.actors.get(actorPath(actor));
    if (row === undefined) return undefined;
    const { epoch, revision, state, tags, seed } = row;
    return { epoch, revision, state, tags, ...seedMember(seed) };
  }

  #seedOf(actor: ActorId): Uint8Array | undefined {
    return this.#rows.actors.get(actorPath(actor))?.seed;
  }

  async prune(ageMs: number, keep: number, limit: number): Promise<number> {
    const before = this.#host.clock.wallMs() - ageMs;
    let pruned = 0;
    for (const { dedup } of this.#rows.actors.values()) {
      let surplus = dedup.size - keep;
      for (const [requestId, record] of dedup) {
        if (pruned >= limit) return pruned;
        if (surplus <= 0 || record.committedMs > before) break;
        dedup.delete(requestId);
        surplus -= 1;
        pruned += 1;
      }
    }
    return pruned;
  }

  #list(query: Parameters<Search["list"]>[0]): readonly ActorSummary[] {
    const tags = Object.entries(query.tags ?? {});
    const found: ActorRow[] = [];
    for (const row of this.#rows.actors.values()) {
      const { system, type, key } = row.actor;
      if (system !== query.system || (query.type !== undefined && type !== query.type)) continue;
      if (!key.startsWith(query.keyPrefix ?? "")) continue;
      if (query.after !== undefined && compareNames(row.actor, query.after) <= 0) continue;
      if (tags.every(([name, value]) => row.tags[name] === value)) found.push(row);
    }
    found.sort((a, b) => compareNames(a.actor, b.actor));
    return found.slice(0, query.limit).map(({ actor, revision, epoch, tags, state, updatedMs }) => {
      return { actor, revision, epoch, tags, hasState: state !== undefined, updatedMs };
    });
  }
}

function seedMember(seed: Uint8Array | undefined): { readonly seed?: Uint8Array } {
  return seed === undefined ? {} : { seed };
}

function compareNames(
  a: { readonly type: string; readonly key: string },
  b: { readonly type: string; readonly key: string },
): number {
  const [left, right] = a.type === b.type ? [a.key, b.key] : [a.type, b.type];
  return left < right ? -1 : left > right ? 1 : 0;
}

function memoryTypes(kept: Map<string, ActorTypeSpec>): TypeRegistry {
  return {
    async put(types) {
      for (const spec of types) kept.set(`${spec.system}/${spec.type}`, structuredClone(spec));
    },
    async list() {
      return [...kept.values()];
    },
  };
}

function memoryMeta(kept: Map<string, Uint8Array>): MetaTable {
  return {
    async get(name) {
      return kept.get(name);
    },
    async putIfAbsent(name, value) {
      const present = kept.get(name) ?? value.slice();
      kept.set(name, present);
      return present;
    },
    async put(name, value) {
      kept.set(name, value.slice());
    },
  };
}
