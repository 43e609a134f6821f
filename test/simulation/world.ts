import type { Statestore } from "../../src/contract/index.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import { Prng } from "../support/prng.ts";
import { statestoreHost } from "../conformance/support/statestore-host.ts";
import { checkCounter } from "./checkers/counter-checker.ts";
import { checkNothingLeft } from "./checkers/nothing-left.ts";
import { checkRegister } from "./checkers/register-checker.ts";
import { checkReplies } from "./checkers/replies-checker.ts";
import { CommitLog } from "./commit-log.ts";
import { ENGINE, type Engine } from "./engine.ts";
import { drawFaultPlan, type FaultPlan, NO_FAULTS } from "./fault-plan.ts";
import { firstOk, type Op } from "./history.ts";
import { Layout } from "./layout.ts";
import { Marks } from "./marks.ts";
import { Nemesis } from "./nemesis.ts";
import { Scheduler, SimClock } from "./scheduler.ts";
import type { CounterState } from "./sim-actors.ts";
import { SimClient } from "./sim-client.ts";
import { pathOf, SIM_LIMITS, SimNode } from "./sim-node.ts";
import type { Violation } from "./violation.ts";

export interface SimOptions {
  readonly seed: number;
  readonly engine?: Engine;
  readonly wrapStore?: (store: Statestore) => Statestore;
  /** Faults of this run; drawn from the seed if absent. */
  readonly plan?: FaultPlan;
  /** How long faults last, in simulated milliseconds. */
  readonly faultMs?: number;
}

/** What one run came to. `invalid` says why it proves nothing. */
export interface SimReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly invalid: string | undefined;
  readonly marks: Marks;
  readonly traceHash: string;
  readonly lastLines: readonly string[];
  readonly events: number;
  readonly acknowledged: number;
  readonly operations: number;
}

const NODES = 3;
const CLIENTS = 6;
const CALM_MS = 800;
const FAULT_MS = 7_000;
/** From the end of the faults until every actor must answer again: lease, renewal, late answers. */
const RECOVERY_MS = 4_500;
const TAIL_MS = 800;
const ANSWER_MS = 12_000;
const LEAST_ACKNOWLEDGED = 10;

/** Three nodes, their hosts, one store and six clients, from the first call to the last timer. */
export function simulate(options: SimOptions): SimReport {
  return new World(options).run();
}

class World {
  readonly #seed: number;
  readonly #scheduler = new Scheduler();
  readonly #marks = new Marks();
  readonly #log = new CommitLog(this.#scheduler, this.#marks);
  readonly #violations: Violation[] = [];
  readonly #history: Op[] = [];
  readonly #nodes: SimNode[] = [];
  readonly #clients: SimClient[] = [];
  readonly #nemesis: Nemesis;
  readonly #healMs: number;
  readonly #layout: Layout;
  readonly #keepsHistory: boolean;

  constructor(options: SimOptions) {
    const { seed, engine = ENGINE, wrapStore = (store) => store } = options;
    const random = new Prng(seed);
    const plan = options.plan ?? drawFaultPlan(random);
    const scheduler = this.#scheduler;
    const server = scheduler.process("store");
    const clock = new SimClock(scheduler, server, 1);
    this.#seed = seed;
    this.#healMs = CALM_MS + (options.faultMs ?? FAULT_MS);
    const made = () => new engine.MemoryStatestore(statestoreHost("", { clock }));
    this.#layout = new Layout({ seed, made, calm: plan === NO_FAULTS });
    const { actors, stores, systems, failsOver } = this.#layout;
    const [log, marks] = [this.#log, this.#marks];
    this.#layout.begin(scheduler, server, CALM_MS, this.#healMs, { log, marks });
    const faults = (): FaultPlan =>
      scheduler.nowMs < CALM_MS || scheduler.nowMs > this.#healMs ? NO_FAULTS : plan;
    this.#nemesis = new Nemesis({
      scheduler,
      random: new Prng(random.uint32()),
      plan,
      marks,
      nodes: this.#nodes,
      actors,
      stores,
      fromMs: CALM_MS,
      healMs: this.#healMs,
      ttlMs: SIM_LIMITS.sessionTtlMs,
    });
    const lanes = random.pick([1, 1, 4]);
    const mailboxCalls = random.pick([8, 1_000]);
    const credit = random.pick([1, 4, 64]);
    const keepHistory = random.unit() < 0.25;
    this.#keepsHistory = keepHistory;
    for (let i = 1; i <= NODES; i += 1) {
      const node = new SimNode({
        name: `n${i}`,
        engine,
        stores,
        systems,
        failsOver,
        wrapStore,
        server,
        scheduler,
        seed: random.uint32(),
        plan,
        lanes,
        mailboxCalls,
        credit,
        actors,
        keepHistory,
        healMs: this.#healMs,
        faults,
        storeAway: (name) => this.#nemesis.isAway(name),
        log,
        marks,
        violations: this.#violations,
      });
      this.#nodes.push(node);
      node.start();
    }
    for (let i = 1; i <= CLIENTS; i += 1) {
      const client = new SimClient({
        name: `c${i}`,
        scheduler,
        random: new Prng(random.uint32()),
        nodes: this.#nodes,
        actors,
        history: this.#history,
        faults,
        untilMs: this.#healMs + RECOVERY_MS + TAIL_MS,
      });
      this.#clients.push(client);
    }
  }

  run(): SimReport {
    const scheduler = this.#scheduler;
    scheduler.run(CALM_MS);
    const before = this.#acknowledged();
    scheduler.run(this.#healMs + RECOVERY_MS + TAIL_MS);
    const isIdle = (): boolean => this.#clients.every((client) => client.open === 0);
    this.#quiesce(isIdle);
    if (!isIdle()) this.#dead("a client still waits for an answer");
    const finals = this.#readAll();
    this.#quiesce(() => isIdle() && this.#nodes.every(({ node }) => node.table.inFlight === 0));
    for (const { name, node } of this.#nodes) {
      if (node.table.inFlight === 0) continue;
      this.#left(`${name} has ${node.table.inFlight} calls under way at rest`);
    }
    this.#check(finals);
    for (const actor of this.#layout.actors) this.#checkHistory(actor);
    for (const node of this.#nodes) node.drain();
    this.#quiesce(() => this.#nodes.every(({ drained }) => drained !== undefined));
    // What was still on its way to the nodes arrives; nothing of their own may be left then.
    scheduler.run(scheduler.nowMs + ANSWER_MS);
    this.#violations.push(...checkNothingLeft(this.#nodes));
    return {
      seed: this.#seed,
      violations: [...this.#log.violations, ...this.#violations],
      invalid:
        before < LEAST_ACKNOWLEDGED ? `${before} acknowledged before the first fault` : undefined,
      marks: this.#marks,
      traceHash: scheduler.traceHash,
      lastLines: scheduler.lastLines,
      events: scheduler.events,
      acknowledged: this.#acknowledged(),
      operations: this.#history.length,
    };
  }

  /** After the heal every actor must answer through every node; these are the final states. */
  #readAll(): readonly Op[] {
    const client = this.#clients[0];
    if (client === undefined) return [];
    const finals = this.#layout.actors.flatMap((actor) =>
      this.#nodes.map((_, node) =>
        client.send(actor, actor.type === "counter" ? "get" : "read", node, 40),
      ),
    );
    this.#quiesce(() => client.open === 0);
    for (const op of finals) {
      // Whoever remembers more than the store has left refuses for good.
      if (firstOk(op) !== undefined || this.#layout.failsOver) continue;
      const heard = op.attempts.map((attempt) => {
        const first = attempt.heard[0];
        return `${attempt.node} ${first?.kind === "error" ? first.code : "silent"}`;
      });
      this.#dead(`${pathOf(op)} did not answer after the heal: ${heard.join(", ")}`);
    }
    return finals;
  }

  #check(finals: readonly Op[]): void {
    // Calls that were answered and lost with their store are nobody's mistake.
    if (this.#layout.failsOver) return;
    this.#violations.push(...checkReplies(this.#history));
    for (const actor of this.#layout.actors) {
      const ops = this.#history.filter((op) => op.actor === actor);
      if (actor.type === "register") {
        this.#violations.push(...checkRegister(actor.key, ops));
        continue;
      }
      const last = finals.findLast((op) => op.actor === actor && firstOk(op) !== undefined);
      if (last === undefined) continue;
      const state = (firstOk(last)?.value ?? { ops: [] }) as CounterState;
      this.#violations.push(...checkCounter(ops, state));
    }
  }

  /** Where all states are kept, every revision since the newest shredding is, once and in order. */
  #checkHistory(actor: ActorId): void {
    if (!this.#keepsHistory) return;
    const revision = this.#log.revision(actor);
    const history = this.#layout.historyOf(actor);
    void history?.list(actor, { limit: revision + 1 }).then((rows) => {
      const kept = rows.map((row) => row.revision).reverse();
      const from = this.#log.keptFrom(actor);
      if (kept.length === revision - from + 1 && kept.every((one, i) => one === from + i)) return;
      const message = `${actor.key} is at r${revision} and keeps ${kept.join(" ")}`;
      this.#violations.push({ checker: "commit-log", message });
    });
  }

  #quiesce(done: () => boolean): void {
    this.#scheduler.run(this.#scheduler.nowMs + ANSWER_MS, done);
  }

  #acknowledged(): number {
    return this.#history.filter((op) => firstOk(op) !== undefined).length;
  }

  #dead(message: string): void {
    this.#violations.push({ checker: "liveness", message });
  }

  #left(message: string): void {
    this.#violations.push({ checker: "nothing-left", message });
  }
}
