import type { Statestore } from "../../src/contract/index.ts";
import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import { ANONYMOUS, EMPTY_MAP, type Invocation } from "../../src/domain/invocation.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/domain/limits.ts";
import type { Node } from "../../src/node/node.ts";
import type { Logger } from "../../src/node/ports.ts";
import { type FurtherStores, MAIN_STORE } from "../../src/node/store-rooms.ts";
import { assert } from "../../src/std/assert.ts";
import { Prng } from "../support/prng.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Engine } from "./engine.ts";
import type { FaultPlan } from "./fault-plan.ts";
import type { Attempt, Heard, Op } from "./history.ts";
import type { Marks } from "./marks.ts";
import { SimClock, type Scheduler, type SimProcess } from "./scheduler.ts";
import { simSpec, toPayload } from "./sim-actors.ts";
import { SimAnswers } from "./sim-answers.ts";
import { SimHost } from "./sim-host.ts";
import { SimSealer } from "./sim-sealer.ts";
import { SimStatestore } from "./sim-statestore.ts";
import type { Violation } from "./violation.ts";

/** Short leases and time-outs, so that much happens in little time. */
export const SIM_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  sessionTtlMs: 2_500,
  sessionRenewMs: 500,
  sessionMarginMs: 200,
  hostTurnTimeoutMs: 2_000,
  stateBytes: 65_536,
};

/** What all nodes of a world share, and what one is made of. */
export interface SimNodeOptions {
  readonly name: string;
  readonly engine: Engine;
  /** The stores by their names, the main one first. */
  readonly stores: ReadonlyMap<string, Statestore>;
  /** System → name of its own store. */
  readonly systems: Readonly<Record<string, string>>;
  /** The store's lines may be wrapped, to break what no patch can. */
  readonly wrapStore: (store: Statestore) => Statestore;
  readonly server: SimProcess;
  readonly scheduler: Scheduler;
  readonly seed: number;
  readonly plan: FaultPlan;
  readonly lanes: number;
  readonly mailboxCalls: number;
  /** Turns that a host takes at once. */
  readonly credit: number;
  readonly actors: readonly ActorId[];
  readonly keepHistory: boolean;
  readonly healMs: number;
  readonly faults: () => FaultPlan;
  readonly storeAway: (store: string) => boolean;
  /** A store that lagged may take over. */
  readonly failsOver: boolean;
  readonly log: CommitLog;
  readonly marks: Marks;
  readonly violations: Violation[];
}

/** One attempt on its way to a node. */
export interface Delivery {
  readonly op: Op;
  readonly attempt: Attempt;
  readonly client: SimProcess;
  readonly timeoutMs: number;
  /** When the caller takes it back, or 0 for never. */
  readonly cancelMs: number;
  /** Called in the client's process after each answer. */
  readonly heard: () => void;
}

/** A signal that a simulated caller takes its call back with. */
class SimSignal {
  aborted = false;
  #listeners: (() => void)[] = [];

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}

/** One machine: a real node in a simulated process with a host beside it; it can be ended and started again. */
export class SimNode {
  readonly name: string;
  cutOffUntilMs = 0;
  drained: boolean | undefined;
  readonly #options: SimNodeOptions;
  readonly #random: Prng;
  #process: SimProcess;
  #clock: SimClock;
  #node: Node;
  #hostProcess: SimProcess | undefined;
  #life = 0;
  #answers: SimAnswers;
  #hosts = 0;

  constructor(options: SimNodeOptions) {
    this.name = options.name;
    this.#options = options;
    this.#answers = new SimAnswers(options);
    this.#random = new Prng(options.seed);
    [this.#process, this.#clock, this.#node] = this.#make();
  }

  get process(): SimProcess {
    return this.#process;
  }

  get clock(): SimClock {
    return this.#clock;
  }

  get node(): Node {
    return this.#node;
  }

  get hostProcess(): SimProcess | undefined {
    return this.#hostProcess;
  }

  start(): void {
    const { scheduler } = this.#options;
    const process = this.#process;
    scheduler.after(0, process, () => {
      this.#node.start().then(
        () => this.#attach(),
        () => this.restart(300),
      );
    });
  }

  /** The process ends at once; a new one starts after `afterMs`. */
  restart(afterMs: number): void {
    const { scheduler, server } = this.#options;
    if (this.#process.dead) return;
    this.#process.dead = true;
    if (this.#hostProcess !== undefined) this.#hostProcess.dead = true;
    scheduler.after(afterMs, server, () => {
      [this.#process, this.#clock, this.#node] = this.#make();
      this.start();
    });
  }

  /** Drains the node and starts it again. */
  roll(): void {
    const { scheduler } = this.#options;
    const process = this.#process;
    const node = this.#node;
    scheduler.after(0, process, () => {
      void node.drain(1_500).then(() => {
        if (process === this.#process) this.restart(50);
      });
    });
  }

  pause(untilMs: number): void {
    this.#process.pausedUntilMs = Math.max(this.#process.pausedUntilMs, untilMs);
  }

  drain(): void {
    const { scheduler } = this.#options;
    scheduler.after(0, this.#process, () => {
      void this.#node.drain(8_000).then((finished) => {
        this.drained = finished;
      });
    });
  }

  deactivate(actor: ActorId): void {
    this.#options.scheduler.after(0, this.#process, () => void this.#node.table.deactivate(actor));
  }

  /** Delivers one attempt after the network's delay, and what it comes to back to the caller. */
  receive(delivery: Delivery): void {
    const { op, attempt, client, timeoutMs, cancelMs } = delivery;
    const { scheduler } = this.#options;
    const process = this.#process;
    const node = this.#node;
    const session = (): number | undefined => node.rooms.of(op.actor.system).session;
    const answers = this.#answers;
    scheduler.after(this.#way(), process, () => {
      const signal = new SimSignal();
      const floor = answers.shown(op.actor);
      const invocation = this.#invocation(op, timeoutMs);
      const heard = (answer: Heard): void => {
        const line = answer.kind === "ok" ? `ok r${answer.revision}` : answer.code;
        scheduler.note(`${this.name} answers ${op.id}: ${line}`);
        scheduler.after(this.#way(), client, () => {
          attempt.heard.push({ ...answer, stamp: scheduler.stamp() });
          delivery.heard();
        });
      };
      node.router.invoke(invocation, signal).then(
        (reply) => heard(answers.replied(op, reply, session(), floor)),
        (error: unknown) => heard(answers.refused(op, error)),
      );
      if (cancelMs > 0) scheduler.after(cancelMs, process, () => signal.abort());
    });
  }

  #invocation(op: Op, timeoutMs: number): Invocation {
    return {
      actor: op.actor,
      action: op.action,
      payload: toPayload(op.argument),
      requestId: op.requestId,
      metadata: EMPTY_MAP,
      caller: ANONYMOUS,
      chain: [],
      deadlineMs: this.#clock.now() + timeoutMs,
      trace: undefined,
      hops: 0,
      ...(op.action === "erase" && { operation: { kind: "delete", shred: true } as const }),
    };
  }

  #make(): [SimProcess, SimClock, Node] {
    const { name, engine, scheduler, plan } = this.#options;
    this.#life += 1;
    this.#answers = new SimAnswers(this.#options);
    const process = scheduler.process(`${name}.${this.#life}`);
    const drift = plan.clockDrift * (2 * this.#random.unit() - 1);
    const clock = new SimClock(scheduler, process, 1 + drift);
    const node = new engine.Node({
      nodeName: name,
      bootId: `${name}-${this.#life}`,
      ...this.#lines(process),
      sealer: new SimSealer((length) => this.#bytes(length)),
      balancer: { choose: () => 0 },
      policy: { generation: 1, decide: () => ({ allowed: true, rule: "all" }) },
      partitionTolerance: { evaluate: () => ({ kind: "serve" }) },
      clock,
      random: {
        bytes: (length) => this.#bytes(length),
        unit: () => this.#random.unit(),
      },
      log: this.#logger(),
      limits: SIM_LIMITS,
      digest: (action, payload) => new Uint8Array([...Buffer.from(action), 0, ...payload.data]),
      observer: {
        activated: () => undefined,
        deactivated: (reason) => {
          if (reason === "idle" || reason === "drained") this.#options.marks.hit("passivated");
        },
        replayed: () => undefined,
        queued: () => undefined,
        hosted: () => undefined,
        committed: () => undefined,
        failed: () => undefined,
        invariantFailed: () => undefined,
        stored: () => undefined,
        anomaly: () => undefined,
      },
      events: {
        activated: () => undefined,
        deactivated: () => undefined,
        shredded: () => this.#options.marks.hit("actor shredded"),
        hostAttached: () => undefined,
        hostLost: () => undefined,
        storeReachable: () => undefined,
      },
      evicted: () => undefined,
      policyFailed: () => undefined,
      denied: () => undefined,
    });
    return [process, clock, node];
  }

  #bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.#random.below(256));
  }

  #lines(process: SimProcess): { readonly store: Statestore; readonly further: FurtherStores } {
    const { stores, systems } = this.#options;
    const lines = new Map(
      [...stores].map(([name, store]) => [name, this.#line(process, name, store)]),
    );
    const store = lines.get(MAIN_STORE);
    assert(store !== undefined, "there is a main store");
    lines.delete(MAIN_STORE);
    return { store, further: { stores: lines, systems } };
  }

  #line(process: SimProcess, name: string, store: Statestore): Statestore {
    const { scheduler, storeAway, systems } = this.#options;
    const line = new SimStatestore({
      ...this.#options,
      name,
      store,
      holds: (system) => (systems[system] ?? MAIN_STORE) === name,
      node: process,
      random: new Prng(this.#random.uint32()),
      cutOff: () => storeAway(name) || this.cutOffUntilMs > scheduler.nowMs,
    });
    return this.#options.wrapStore(line);
  }

  #attach(): void {
    const { scheduler, marks, faults, violations, mailboxCalls, keepHistory, systems } =
      this.#options;
    // A host that was lost finds no node to come back to while that is draining.
    if (this.#node.status !== "running") return;
    this.#hosts += 1;
    const process = scheduler.process(`${this.name}.host${this.#hosts}`);
    const host = new SimHost({
      id: `${this.name}-host-${this.#hosts}`,
      scheduler,
      random: new Prng(this.#random.uint32()),
      marks,
      node: this.#process,
      process,
      gate: this.#node.hosts,
      faults,
      violations,
      died: () => void scheduler.after(100, this.#process, () => this.#attach()),
    });
    this.#hostProcess = process;
    const types = ["sim", ...Object.keys(systems)].flatMap((system) =>
      (["counter", "register"] as const).map((type) => ({
        ...simSpec(type, mailboxCalls, keepHistory),
        system,
      })),
    );
    this.#node.hosts.attach(host, types, this.#options.credit);
    for (const actor of this.#options.actors) this.#watch(actor);
  }

  /** Whoever watches sees committed revisions alone, each later than the one before. */
  #watch(actor: ActorId): void {
    const { log, violations } = this.#options;
    let last = 0;
    this.#node.table.watch(actor, ({ revision }) => {
      if (revision > last && revision <= log.revision(actor)) {
        last = revision;
        return;
      }
      const message = `${actorPath(actor)}: r${revision} was shown after r${last}`;
      violations.push({ checker: "replies", message });
    });
  }

  #logger(): Logger {
    const { marks, violations, scheduler, failsOver } = this.#options;
    const quiet = (): void => undefined;
    const logger: Logger = {
      debug: quiet,
      info: quiet,
      warn: (event) => {
        scheduler.note(`${this.name} warns ${event}`);
        if (event === "session.fenced") marks.hit("session fenced");
      },
      error: (event, fields) => {
        if (event === "store.regressed" && failsOver) return marks.hit("store regressed");
        const message = `${this.name} logs ${event}: ${String(fields?.["error"])}`;
        violations.push({ checker: "replies", message });
      },
      child: () => logger,
    };
    return logger;
  }

  #way(): number {
    return 0.1 + 2 * this.#random.unit();
  }
}

/** The path of an actor, for messages. */
export function pathOf(op: Op): string {
  return actorPath(op.actor);
}
