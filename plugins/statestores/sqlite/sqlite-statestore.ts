import { join } from "node:path";
import type {
  ActorId,
  ClaimRequest,
  ClaimResult,
  CommitBatch,
  CommitResult,
  DedupRecord,
  History,
  MetaTable,
  Migrations,
  Outbox,
  Portability,
  ReadResult,
  Resealing,
  Schedules,
  SealedRow,
  Search,
  Seeds,
  Sessions,
  Statestore,
  StatestoreHost,
  TypeRegistry,
} from "../../../src/contract/index.ts";
import type { MigrateMode, OpenOptions } from "./open-store.ts";
import type { CountStep, ResealPosition } from "./reseal-table.ts";
import { SqliteThreadClient } from "./sqlite-thread.ts";
import type { StoreMode } from "./store-lock.ts";

/** The plug-in's options, validated. */
export interface SqliteOptions {
  readonly path: string;
  readonly mode: StoreMode;
  readonly cache: number;
  readonly migrate: MigrateMode;
}

const START: ResealPosition = { purpose: 0, after: 0 };

/** State in one SQLite file, written on a thread of its own. */
export class SqliteStatestore implements Statestore {
  readonly durability = "durable";
  readonly exclusive: boolean;
  readonly lanes = 1;
  readonly sessions: Sessions;
  readonly types: TypeRegistry;
  readonly meta: MetaTable;
  readonly search: Search;
  readonly history: History;
  readonly outbox: Outbox;
  readonly schedules: Schedules;
  readonly resealing: Resealing;
  readonly portability: Portability;
  readonly migrations: Migrations;
  readonly seeds: Seeds;
  readonly #host: StatestoreHost;
  readonly #options: SqliteOptions;
  readonly #thread: SqliteThreadClient;
  #degraded = false;

  constructor(options: SqliteOptions, host: StatestoreHost) {
    const thread = new SqliteThreadClient(host);
    this.#host = host;
    this.#options = options;
    this.#thread = thread;
    this.exclusive = options.mode === "exclusive";
    this.sessions = {
      open: (request) => thread.call("openSession", request),
      renew: (sessionId, ttlMs) => thread.call("renewSession", sessionId, ttlMs),
      close: (sessionId) => thread.call("closeSession", sessionId),
      fence: (sessionId, evict) => thread.call("fenceSession", sessionId, evict),
      list: () => thread.call("listSessions"),
    };
    this.types = {
      put: (types) => thread.call("putTypes", types),
      list: () => thread.call("listTypes"),
    };
    this.meta = {
      get: (name) => thread.call("getMeta", name),
      putIfAbsent: (name, value) => thread.call("putMetaIfAbsent", name, value),
      put: (name, value) => thread.call("putMeta", name, value),
    };
    this.search = { list: (query) => thread.call("search", query) };
    this.history = {
      byRevision: (actor, revision) => thread.call("pastState", actor, revision),
      list: (actor, range) => thread.call("pastStates", actor, range),
      prune: (of) => thread.call("prunePast", of),
    };
    this.outbox = {
      due: (_sessionId, limit, holdMs) => thread.call("dueMessages", limit, holdMs),
      ack: (rowIds) => thread.call("ackMessages", rowIds),
      retry: (rowId, delayMs) => thread.call("retryMessage", rowId, delayMs),
      deadLetter: (rowId, reason) => thread.call("killMessage", rowId, reason),
      deadLetters: (limit) => thread.call("deadMessages", limit),
    };
    this.schedules = {
      due: (_sessionId, limit, holdMs) => thread.call("dueSchedules", limit, holdMs),
      ack: (rowId, seenDueMs, nextDueMs) => thread.call("ackSchedule", rowId, seenDueMs, nextDueMs),
      list: (actor) => thread.call("listSchedules", actor),
    };
    this.resealing = resealing(thread);
    this.portability = {
      count: () => thread.call("countRows"),
      read: (position, limit) => thread.call("readRows", position, limit),
      write: (rows) => thread.call("writeRows", rows),
    };
    this.migrations = {
      plan: (signal) => new SqliteThreadClient(host).plan(this.#openOptions(), signal),
      apply: async (signal, taken) => {
        const steps = await new SqliteThreadClient(host).migrate(this.#openOptions(), signal);
        for (const step of steps) taken?.(step);
        return steps;
      },
    };
    this.seeds = { find: (actors) => thread.call("findSeeds", actors) };
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#thread.start(this.#openOptions(), signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#thread.stop(signal);
  }

  describe(): Promise<string> {
    return this.#thread.call("version");
  }

  claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    return this.#thread.call("claim", request);
  }

  epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    return this.#thread.call("epochs", actors);
  }

  dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    return this.#thread.call("dedup", actor, requestId);
  }

  async commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    try {
      const results = await this.#thread.commit(batch);
      if (this.#degraded) this.#report(false, "");
      return results;
    } catch (error) {
      if (!this.#degraded) this.#report(true, error instanceof Error ? error.message : "");
      throw error;
    }
  }

  release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    return this.#thread.call("release", sessionId, actors);
  }

  read(actor: ActorId): Promise<ReadResult | undefined> {
    return this.#thread.call("read", actor);
  }

  prune(ageMs: number, keep: number, limit: number): Promise<number> {
    return this.#thread.call("prune", ageMs, keep, limit);
  }

  #openOptions(): OpenOptions {
    const { path, mode, cache: cacheBytes, migrate } = this.#options;
    const { dataDir, cluster } = this.#host;
    const file = path === "" ? join(dataDir, "troupe.db") : path;
    return { path: file, mode, cluster, cacheBytes, migrate };
  }

  #report(degraded: boolean, detail: string): void {
    this.#degraded = degraded;
    if (degraded) this.#host.report("degraded", detail);
    else this.#host.report("ok");
  }
}

/**
 * Re-encryption walks all tables in steps, so that commits get their turn, and goes on where the
 * last call stopped: rows that cannot be moved do not hold back those behind them.
 */
function resealing(thread: SqliteThreadClient): Resealing {
  let position = START;
  return {
    async pending(keyId, limit) {
      const found: SealedRow[] = [];
      const start = position;
      let wrapped = false;
      while (found.length < limit) {
        const step = await thread.call("resealStep", position, keyId, limit - found.length);
        found.push(...step.rows);
        position = step.next ?? START;
        wrapped ||= step.next === undefined;
        if (wrapped && !isBefore(position, start)) break;
      }
      return found.slice(0, limit);
    },
    replace: (row, sealed) => thread.call("reseal", row, sealed),
    async countByKey() {
      const counts = new Map<string, number>();
      for (let at: ResealPosition | undefined = START; at !== undefined; ) {
        const step: CountStep = await thread.call("countStep", at);
        for (const [key, rows] of step.counts) counts.set(key, (counts.get(key) ?? 0) + rows);
        at = step.next;
      }
      return counts;
    },
  };
}

function isBefore(a: ResealPosition, b: ResealPosition): boolean {
  return a.purpose === b.purpose ? a.after < b.after : a.purpose < b.purpose;
}
