import type { Statestore } from "../../src/contract/index.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import type { Prng } from "../support/prng.ts";
import type { FaultPlan } from "./fault-plan.ts";
import type { Marks } from "./marks.ts";
import type { Scheduler, SimProcess } from "./scheduler.ts";
import type { SimNode } from "./sim-node.ts";

export interface NemesisOptions {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly plan: FaultPlan;
  readonly marks: Marks;
  readonly nodes: readonly SimNode[];
  readonly actors: readonly ActorId[];
  /** The stores by the names that the nodes' rooms have. */
  readonly stores: ReadonlyMap<string, Statestore>;
  readonly fromMs: number;
  readonly healMs: number;
  readonly ttlMs: number;
}

/** What happens to whole machines: pauses, crashes, cuts, evictions, and the operator's doings. */
export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #process: SimProcess;
  readonly #awayUntilMs = new Map<string, number>();

  constructor(options: NemesisOptions) {
    const { plan, scheduler } = options;
    this.#options = options;
    this.#process = scheduler.process("nemesis");
    this.#every(plan.pauseEveryMs, () => this.#pause());
    this.#every(plan.crashEveryMs, () => this.#crash());
    this.#every(plan.rollEveryMs, () => this.#roll());
    this.#every(plan.outageEveryMs, () => this.#outage());
    this.#every(plan.partitionEveryMs, () => this.#cutOff());
    this.#every(plan.evictEveryMs, () => this.#evict());
    this.#every(plan.deactivateEveryMs, () => this.#deactivate());
    this.#every(plan.wallJumpEveryMs, () => this.#jump());
  }

  /** Nobody reaches the store of this name. */
  isAway(store: string): boolean {
    return (this.#awayUntilMs.get(store) ?? 0) > this.#options.scheduler.nowMs;
  }

  #every(meanMs: number, strike: () => void): void {
    if (meanMs === 0) return;
    const { scheduler, random, fromMs, healMs } = this.#options;
    const next = (afterMs: number): void => {
      scheduler.after(afterMs, this.#process, () => {
        if (scheduler.nowMs >= healMs) return;
        strike();
        next(2 * meanMs * random.unit());
      });
    };
    next(fromMs + meanMs * random.unit());
  }

  #until(mostMs: number): number {
    const { scheduler, random, healMs } = this.#options;
    return Math.min(scheduler.nowMs + mostMs * random.unit(), healMs);
  }

  #node(): SimNode {
    const { random, nodes } = this.#options;
    return random.pick(nodes);
  }

  #pause(): void {
    const { ttlMs, marks } = this.#options;
    this.#node().pause(this.#until(3 * ttlMs));
    marks.hit("node paused");
  }

  #crash(): void {
    const { scheduler, marks } = this.#options;
    this.#node().restart(this.#until(2_000) - scheduler.nowMs);
    marks.hit("node crashed");
  }

  #roll(): void {
    this.#node().roll();
    this.#options.marks.hit("node rolled");
  }

  #outage(): void {
    const { random, stores } = this.#options;
    this.#awayUntilMs.set(random.pick([...stores.keys()]), this.#until(2_000));
    this.#options.marks.hit("store away");
  }

  #cutOff(): void {
    this.#node().cutOffUntilMs = this.#until(5_000);
    this.#options.marks.hit("node cut off");
  }

  #evict(): void {
    const { random, stores } = this.#options;
    const { name, session } = random.pick(this.#node().node.rooms.all);
    if (session !== undefined) void stores.get(name)?.sessions.fence(session, true);
  }

  #deactivate(): void {
    const { random, actors } = this.#options;
    this.#node().deactivate(random.pick(actors));
  }

  #jump(): void {
    const { random } = this.#options;
    this.#node().clock.wallOffsetMs = 7_200_000 * (random.unit() - 0.5);
  }
}
