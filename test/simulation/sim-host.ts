import { actorPath } from "../../src/domain/actor.ts";
import type { Caller } from "../../src/domain/invocation.ts";
import type { HostInvocation, HostResult } from "../../src/domain/turn.ts";
import type { HostGate, HostLink } from "../../src/node/host-port.ts";
import type { Prng } from "../support/prng.ts";
import type { FaultPlan } from "./fault-plan.ts";
import type { Marks } from "./marks.ts";
import type { Scheduler, SimProcess } from "./scheduler.ts";
import { runTurns } from "./sim-actors.ts";
import type { Violation } from "./violation.ts";

/** What a host of the simulation needs. */
export interface SimHostOptions {
  readonly id: string;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly marks: Marks;
  readonly node: SimProcess;
  readonly process: SimProcess;
  readonly gate: HostGate;
  readonly faults: () => FaultPlan;
  readonly violations: Violation[];
  /** The host's process has died. */
  readonly died: (host: SimHost) => void;
}

const STUCK_MS = 3_000;

/** A host of both actor types: takes its time, dies, gets stuck, answers twice and answers nonsense. */
export class SimHost implements HostLink {
  readonly id: string;
  readonly name = "host";
  readonly sdk = "simulation";
  readonly kind = "attach";
  readonly weight = 1;
  readonly identity: Caller = { kind: "host", id: "host", roles: [] };
  readonly #options: SimHostOptions;
  /** What runs now, by activation (actor and epoch): the host must never see two at once. */
  readonly #inside = new Map<string, number>();
  readonly #stuck = new Set<number>();

  constructor(options: SimHostOptions) {
    this.id = options.id;
    this.#options = options;
  }

  execute(invocation: HostInvocation): void {
    const { scheduler, random, marks, process, faults } = this.#options;
    const { hostCrash, hostStuck, slow } = faults();
    this.#enter(invocation);
    if (invocation.turns.length > 1) marks.hit("calls chained");
    const dies = random.unit() < hostCrash;
    const stuck = random.unit() < hostStuck;
    let ms = 0.2 + 4 * random.unit();
    if (random.unit() < slow) ms += 200 * random.unit();
    if (stuck) {
      ms += STUCK_MS;
      this.#stuck.add(invocation.id);
      marks.hit("host late");
    }
    scheduler.after(ms, process, () => {
      if (dies) return this.#die();
      this.#leave(invocation.id);
      this.#answer(invocation, this.#result(invocation));
    });
  }

  /** A turn that is stuck is ended; any other goes on to its answer, and keeps its place till then. */
  cancel(invocationId: number): void {
    if (this.#stuck.has(invocationId)) this.#leave(invocationId);
  }

  drain(): void {
    // It goes on: those who are drained end when the node closes them.
  }

  close(): void {
    const { process, gate } = this.#options;
    if (process.dead) return;
    process.dead = true;
    gate.lost(this, "closed");
  }

  #die(): void {
    const { process, scheduler, node, gate, marks, died } = this.#options;
    process.dead = true;
    marks.hit("host lost");
    scheduler.after(1, node, () => {
      gate.lost(this, "connection reset");
      died(this);
    });
  }

  #answer(invocation: HostInvocation, result: HostResult): void {
    const { scheduler, random, node, process, gate, faults } = this.#options;
    const deliver = (ms: number): void => {
      scheduler.after(ms, node, () => {
        if (process.dead) return;
        gate.results(this, [result]);
      });
    };
    deliver(0.2 + random.unit());
    if (random.unit() < faults().hostTwice) deliver(1 + 50 * random.unit());
    scheduler.after(1, node, () => {
      if (!process.dead) gate.credit(this, invocation.turns.length);
    });
  }

  /** Mostly what user code came to; sometimes what no host may answer. */
  #result(invocation: HostInvocation): HostResult {
    const { random, faults, marks } = this.#options;
    const result = runTurns(invocation);
    if (random.unit() >= faults().hostInvalid) return result;
    marks.hit("host answer refused");
    const failure = { code: "broken", message: "the host broke" };
    switch (random.below(5)) {
      case 0:
        return { ...result, outcomes: result.outcomes.slice(1) };
      case 1:
        return { ...result, failure };
      case 2:
        return {
          ...result,
          outcomes: result.outcomes.map((outcome) => ({ ...outcome, turnId: outcome.turnId + 1 })),
        };
      case 3:
        return {
          ...result,
          outcomes: result.outcomes.map((outcome) => ({
            ...outcome,
            effects: [{ kind: "unsupported", name: "saga" } as const],
          })),
        };
      default:
        return {
          ...result,
          state: { type: "application/json", data: new Uint8Array(100_000) },
        };
    }
  }

  #enter({ actor, epoch, id }: HostInvocation): void {
    const activation = `${actorPath(actor)}@${epoch}`;
    const other = this.#inside.get(activation);
    if (other !== undefined) {
      const message = `${activation}: invocation ${id} began while ${other} ran`;
      this.#options.violations.push({ checker: "serial-turns", message });
    }
    this.#inside.set(activation, id);
  }

  #leave(invocationId: number): void {
    for (const [activation, id] of this.#inside) {
      if (id === invocationId) this.#inside.delete(activation);
    }
  }
}
