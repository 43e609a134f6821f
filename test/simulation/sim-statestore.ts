import type {
  ActorId,
  ClaimRequest,
  ClaimResult,
  CommitBatch,
  CommitResult,
  DedupRecord,
  MetaTable,
  ReadResult,
  Seeds,
  Sessions,
  Statestore,
  TypeRegistry,
} from "../../src/contract/index.ts";
import { ServerError } from "../../src/domain/error.ts";
import { assert } from "../../src/std/assert.ts";
import { MAIN_STORE } from "../../src/node/store-rooms.ts";
import type { Prng } from "../support/prng.ts";
import type { CommitLog } from "./commit-log.ts";
import type { FaultPlan } from "./fault-plan.ts";
import type { Marks } from "./marks.ts";
import type { Scheduler, SimProcess } from "./scheduler.ts";

/** What the connection of one node to the store needs. */
export interface StoreLine {
  readonly name: string;
  readonly store: Statestore;
  /** Whether the actors of a system live in this store. */
  readonly holds: (system: string) => boolean;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly log: CommitLog;
  readonly marks: Marks;
  /** The node's process: answers wait while it is paused. */
  readonly node: SimProcess;
  /** The store's process, which never stops. */
  readonly server: SimProcess;
  readonly lanes: number;
  readonly faults: () => FaultPlan;
  /** By when every pause is over. */
  readonly healMs: number;
  /** The node cannot reach the store now. */
  readonly cutOff: () => boolean;
}

type Fate = "served" | "twice" | "lost" | "reply-lost" | "late" | "busy" | "zombie";

/** How long the driver waits for an answer. */
const TIMEOUT_MS = 400;
const LATE_MS = 4_000;
const ZOMBIE_MS = 6_000;

/**
 * The one shared store as a node sees it: over a line that is slow, loses requests or answers, and
 * delivers late. What the store itself holds is always right.
 */
export class SimStatestore implements Statestore {
  readonly durability = "durable";
  readonly exclusive = false;
  readonly lanes: number;
  readonly sessions: Sessions;
  readonly types: TypeRegistry;
  readonly meta: MetaTable;
  readonly seeds: Seeds;
  readonly #line: StoreLine;

  constructor(line: StoreLine) {
    const { sessions, types, meta, seeds } = line.store;
    assert(seeds !== undefined, "the store of the simulation keeps seeds");
    this.#line = line;
    this.lanes = line.lanes;
    this.sessions = {
      open: (request) => this.#call(() => sessions.open(request)),
      renew: (id, ttlMs) => this.#call(() => sessions.renew(id, ttlMs)),
      close: (id) => this.#call(() => sessions.close(id)),
      fence: (id, evict) => this.#call(() => sessions.fence(id, evict)),
      list: () => this.#call(() => sessions.list()),
    };
    this.types = {
      put: (types_) => this.#call(() => types.put(types_)),
      list: () => this.#call(() => types.list()),
    };
    this.meta = meta;
    this.seeds = { find: (actors) => this.#call(() => seeds.find(actors)) };
  }

  async describe(): Promise<string> {
    return "simulated";
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    const { log, store } = this.#line;
    this.#belong(request.actors);
    const results = await this.#call(async () => {
      const granted = await store.claim(request);
      granted.forEach((result, i) =>
        log.claimed(request.actors[i] as ActorId, request.sessionId, result),
      );
      return granted;
    });
    return results.map((result) => this.#flipped(result));
  }

  epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    this.#belong(actors);
    return this.#call(() => this.#line.store.epochs(actors));
  }

  dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    const { log, store } = this.#line;
    return this.#call(async () => {
      const record = await store.dedup(actor, requestId);
      log.found(actor, record);
      return record;
    });
  }

  commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    const { log, marks, store, random, faults } = this.#line;
    this.#belong(batch.commits.map(({ actor }) => actor));
    const refused = random.unit() < faults().conflict;
    let late = false;
    let served = 0;
    const apply = async (): Promise<readonly CommitResult[]> => {
      if (refused) {
        marks.hit("commit conflict");
        return batch.commits.map(() => "conflict");
      }
      const results = await store.commit(batch);
      served += 1;
      results.forEach((result, i) => {
        const commit = batch.commits[i];
        if (commit !== undefined) log.committed(commit, batch.sessionId, result);
        if (result === "fenced") marks.hit(late ? "late write refused" : "commit fenced");
        else if (late && result === "committed") marks.hit("late write applied");
        else if (served > 1 && result === "conflict") marks.hit("repeated write refused");
      });
      return results;
    };
    return this.#call(apply, "unknown", (fate) => {
      late = fate === "late";
      if (fate === "served" || fate === "twice" || fate === "busy") return;
      for (const commit of batch.commits) log.doubted(commit, batch.sessionId);
    });
  }

  release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    return this.#call(() => this.#line.store.release(sessionId, actors));
  }

  read(actor: ActorId): Promise<ReadResult | undefined> {
    return this.#call(() => this.#line.store.read(actor));
  }

  prune(ageMs: number, keep: number, limit: number): Promise<number> {
    return this.#call(() => this.#line.store.prune(ageMs, keep, limit));
  }

  #belong(actors: readonly ActorId[]): void {
    const { holds, log, name, marks } = this.#line;
    if (name !== MAIN_STORE) marks.hit("other store called");
    for (const actor of actors) if (!holds(actor.system)) log.misplaced(actor, name);
  }

  /** One round trip. `outcome` is what a lost call must say of itself. */
  #call<T>(
    apply: () => Promise<T>,
    outcome: "not_applied" | "unknown" = "not_applied",
    decided: (fate: Fate) => void = () => undefined,
  ): Promise<T> {
    const { scheduler, node, server, random, healMs } = this.#line;
    const fate = this.#fate(outcome === "unknown");
    decided(fate);
    const wayMs = this.#way();
    return new Promise<T>((resolve, reject) => {
      const fail = (afterMs: number, of: "not_applied" | "unknown"): void => {
        scheduler.after(afterMs, node, () => reject(gone(of)));
      };
      const serve = (): void => {
        apply().then(
          (value) => void scheduler.after(this.#way(), node, () => resolve(value)),
          (error: unknown) =>
            void scheduler.after(this.#way(), node, () => reject(error as ServerError)),
        );
      };
      switch (fate) {
        case "served":
          return void scheduler.after(wayMs, server, serve);
        case "twice":
          // A network or a driver that sends again what had arrived: the second must change nothing.
          scheduler.after(wayMs + TIMEOUT_MS * random.unit(), server, () => {
            void apply().catch(() => undefined);
          });
          return void scheduler.after(wayMs, server, serve);
        case "busy":
          return fail(2 * wayMs, "not_applied");
        case "lost":
          return fail(TIMEOUT_MS, outcome);
        case "reply-lost":
          scheduler.after(wayMs, server, () => void apply().catch(() => undefined));
          return fail(TIMEOUT_MS, outcome);
        case "late": {
          const afterMs = TIMEOUT_MS * random.unit() + LATE_MS * random.unit() ** 3;
          scheduler.after(afterMs, server, () => void apply().catch(() => undefined));
          return fail(TIMEOUT_MS, outcome);
        }
        case "zombie":
          // The process stops with the request in its hands, and sends it when it wakes.
          node.pausedUntilMs = Math.min(scheduler.nowMs + ZOMBIE_MS * random.unit(), healMs);
          return void scheduler.after(node.pausedUntilMs - scheduler.nowMs, server, serve);
      }
    });
  }

  #fate(writes: boolean): Fate {
    const { random, faults, cutOff } = this.#line;
    const { lost, replyLost, late, busy, zombie, twice } = faults();
    const draw = random.unit();
    if (cutOff()) return "lost";
    let edge = lost;
    if (draw < edge) return "lost";
    edge += replyLost;
    if (draw < edge) return "reply-lost";
    edge += late;
    if (draw < edge) return "late";
    edge += busy;
    if (draw < edge) return "busy";
    if (!writes) return "served";
    edge += twice;
    if (draw < edge) return "twice";
    return draw < edge + zombie ? "zombie" : "served";
  }

  #way(): number {
    const { random, faults } = this.#line;
    const ms = 0.2 + 2 * random.unit();
    return random.unit() < faults().slow ? ms + 300 * random.unit() : ms;
  }

  /** Now and then a state arrives with a flipped bit. */
  #flipped(result: ClaimResult): ClaimResult {
    const { random, faults, marks } = this.#line;
    if (random.unit() >= faults().corrupt) return result;
    if (result.kind !== "claimed" || result.state === undefined) return result;
    marks.hit("state unreadable");
    const data = result.state.data.slice();
    const at = random.below(data.length);
    data[at] = (data[at] ?? 0) ^ 1;
    return { ...result, state: { ...result.state, data } };
  }
}

function gone(outcome: "not_applied" | "unknown"): ServerError {
  return new ServerError("state.unavailable", "the store did not answer", outcome);
}
