import type {
  ActorCommit,
  ActorId,
  ActorTypeSpec,
  ClaimRequest,
  ClaimResult,
  CommitBatch,
  CommitResult,
  DedupRecord,
  MetaTable,
  PluginClock,
  ReadResult,
  SessionRequest,
  SessionRow,
  Sessions,
  Statestore,
  StatestoreHost,
  StoredState,
  StringMap,
  TypeRegistry,
} from "../../../../contract/index.ts";

interface Session extends SessionRequest {
  readonly id: number;
  state: SessionRow["state"];
  /** By the store's clock, which no other node's clock takes part in. */
  expiresMs: number;
}

interface Row {
  readonly handle: number;
  owner: number;
  epoch: number;
  revision: number;
  state: StoredState | undefined;
  tags: StringMap;
  /** In order of their commits. */
  readonly dedup: Map<string, DedupRecord & { readonly committedMs: number }>;
}

const ENDED_SESSIONS_KEPT = 1000;

/** System and type hold no `/`, so this is one text per actor. */
function pathOf({ system, type, key }: ActorId): string {
  return `${system}/${type}/${key}`;
}

/** Bytes that come in are copied: they belong to the caller, who may use them again. */
function copyState(state: StoredState): StoredState {
  return { data: state.data.slice(), type: state.type };
}

/** Lease rows; an id is never used twice. */
class SampleSessions implements Sessions {
  readonly #clock: PluginClock;
  readonly #rows = new Map<number, Session>();
  #lastId = 0;

  constructor(clock: PluginClock) {
    this.#clock = clock;
  }

  async open(request: SessionRequest): Promise<SessionRow> {
    let surplus = this.#rows.size - ENDED_SESSIONS_KEPT;
    for (const row of this.#rows.values()) {
      if (row.nodeName === request.nodeName && row.state === "up") row.state = "fenced";
      if (surplus <= 0 || row.state === "up") continue;
      this.#rows.delete(row.id);
      surplus -= 1;
    }
    this.#lastId += 1;
    const expiresMs = this.#clock.now() + request.ttlMs;
    const row: Session = { ...request, id: this.#lastId, state: "up", expiresMs };
    this.#rows.set(row.id, row);
    return this.#view(row);
  }

  async renew(sessionId: number, ttlMs: number): Promise<"renewed" | "fenced"> {
    const row = this.#rows.get(sessionId);
    if (row?.state !== "up") return "fenced";
    row.expiresMs = this.#clock.now() + ttlMs;
    return "renewed";
  }

  async close(sessionId: number): Promise<void> {
    const row = this.#rows.get(sessionId);
    if (row?.state === "up") row.state = "closed";
  }

  async fence(sessionId: number, evict: boolean): Promise<boolean> {
    const row = this.#rows.get(sessionId);
    if (row?.state === "up" && (evict || this.#expired(row))) row.state = "fenced";
    return row?.state !== "up";
  }

  async list(): Promise<readonly SessionRow[]> {
    return [...this.#rows.values()].map((row) => this.#view(row));
  }

  isUp(sessionId: number): boolean {
    return this.#rows.get(sessionId)?.state === "up";
  }

  /** The session if its lease runs; one whose lease has ended is fenced by this look at it. */
  living(sessionId: number): SessionRow | undefined {
    const row = this.#rows.get(sessionId);
    if (row?.state === "up" && this.#expired(row)) row.state = "fenced";
    return row?.state === "up" ? this.#view(row) : undefined;
  }

  #expired(row: Session): boolean {
    return row.expiresMs <= this.#clock.now();
  }

  #view({ id, nodeName, bootId, address, state, expiresMs }: Session): SessionRow {
    return { id, nodeName, bootId, address, state, remainingMs: expiresMs - this.#clock.now() };
  }
}

function sampleTypes(): TypeRegistry {
  const kept = new Map<string, ActorTypeSpec>();
  return {
    async put(types) {
      for (const spec of types) kept.set(`${spec.system}/${spec.type}`, structuredClone(spec));
    },
    async list() {
      return [...kept.values()];
    },
  };
}

function sampleMeta(): MetaTable {
  const kept = new Map<string, Uint8Array>();
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

/**
 * All that a statestore must do, on maps. Each method finishes its work before its promise is
 * returned, so that calls never interleave and each is a transaction by itself. The optional powers
 * (search, history, outbox, schedules, resealing, seeds) are absent, and so nobody will ask for them.
 */
export class SampleStatestore implements Statestore {
  readonly durability = "process";
  readonly exclusive = true;
  readonly lanes = 1;
  readonly sessions: SampleSessions;
  readonly types = sampleTypes();
  readonly meta = sampleMeta();
  readonly #host: StatestoreHost;
  readonly #rows = new Map<string, Row>();

  constructor(host: StatestoreHost) {
    this.#host = host;
    this.sessions = new SampleSessions(host.clock);
  }

  async describe(): Promise<string> {
    return "memory of this process";
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    const { sessionId, actors, maxRequestIds } = request;
    if (this.sessions.living(sessionId) === undefined) {
      const message = `session ${sessionId} is not up`;
      throw this.#host.error("state.fenced", message, "not_applied", { reason: "SESSION_FENCED" });
    }
    return actors.map((actor) => this.#claimOne(sessionId, actor, maxRequestIds));
  }

  #claimOne(sessionId: number, actor: ActorId, maxRequestIds: number): ClaimResult {
    const path = pathOf(actor);
    const found = this.#rows.get(path);
    if (found !== undefined && found.owner !== sessionId) {
      const owner = this.sessions.living(found.owner);
      if (owner !== undefined) {
        const { id, nodeName, address } = owner;
        return { kind: "owned", sessionId: id, nodeName, address };
      }
    }
    const row = found ?? this.#newRow();
    this.#rows.set(path, row);
    row.owner = sessionId;
    // The epoch is what fences the owner before: it only ever grows.
    row.epoch += 1;
    const { handle, epoch, revision, state, tags, dedup } = row;
    const requestIds = dedup.size > maxRequestIds ? undefined : [...dedup.keys()];
    const existed = found !== undefined;
    return { kind: "claimed", handle, epoch, revision, state, tags, requestIds, existed };
  }

  #newRow(): Row {
    const dedup: Row["dedup"] = new Map();
    const handle = this.#rows.size + 1;
    return { handle, owner: 0, epoch: 0, revision: 0, state: undefined, tags: {}, dedup };
  }

  async epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    return actors.map((actor) => this.#rows.get(pathOf(actor))?.epoch);
  }

  async dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    const kept = this.#rows.get(pathOf(actor))?.dedup.get(requestId);
    if (kept === undefined) return undefined;
    return { requestId, digest: kept.digest, revision: kept.revision, reply: kept.reply };
  }

  async commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    const up = this.sessions.isUp(batch.sessionId);
    return batch.commits.map((commit) => {
      const row = this.#rows.get(pathOf(commit.actor));
      if (!up || row?.owner !== batch.sessionId || row.epoch !== commit.epoch) return "fenced";
      if (row.revision !== commit.baseRevision) return "conflict";
      this.#apply(row, commit);
      return "committed";
    });
  }

  #apply(row: Row, { change, baseRevision, revision, dedup }: ActorCommit): void {
    if (revision !== baseRevision) {
      row.revision = revision;
      if (change.kind === "set") {
        row.state = copyState(change.state);
        row.tags = { ...change.tags };
      } else if (change.kind === "remove") {
        // The row stays as a tombstone, so that epoch and revision never begin again.
        row.state = undefined;
        row.tags = {};
      }
    }
    const committedMs = this.#host.clock.wallMs();
    for (const record of dedup) {
      if (row.dedup.has(record.requestId)) continue;
      const { digest, reply } = record;
      row.dedup.set(record.requestId, {
        ...record,
        digest: digest.slice(),
        reply: reply.slice(),
        committedMs,
      });
    }
  }

  async release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    for (const { actor, epoch } of actors) {
      const row = this.#rows.get(pathOf(actor));
      if (row?.owner === sessionId && row.epoch === epoch) row.owner = 0;
    }
  }

  async read(actor: ActorId): Promise<ReadResult | undefined> {
    const row = this.#rows.get(pathOf(actor));
    if (row === undefined) return undefined;
    return { epoch: row.epoch, revision: row.revision, state: row.state, tags: row.tags };
  }

  async prune(ageMs: number, keep: number, limit: number): Promise<number> {
    const before = this.#host.clock.wallMs() - ageMs;
    let pruned = 0;
    for (const { dedup } of this.#rows.values()) {
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
}
