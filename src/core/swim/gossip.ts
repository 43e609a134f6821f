import type { Courier } from "./courier.ts";
import type { SwimKernel } from "./kernel.ts";
import { LEFT, UNKNOWN } from "./member.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Sends what is being spread to a few random members per interval, while there is anything. */
export class Gossip {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  /** Where in the interval the node's ticks lie: drawn once, so that nodes do not beat in step. */
  readonly #phaseMs: number;
  #dueMs = NEVER;
  #lastRoundMs = -NEVER;

  constructor(kernel: SwimKernel, courier: Courier) {
    this.#kernel = kernel;
    this.#courier = courier;
    this.#phaseMs = kernel.random.below(kernel.config.gossipIntervalMs);
  }

  get nextMs(): number {
    return this.#dueMs;
  }

  /** Sets the next tick, or none if there is nothing to say. */
  arm(nowMs: number): void {
    if (this.#kernel.queue.length === 0) this.#dueMs = NEVER;
    else if (this.#dueMs === NEVER) {
      const { gossipIntervalMs } = this.#kernel.config;
      const intoMs = (nowMs - this.#phaseMs) % gossipIntervalMs;
      this.#dueMs = nowMs + gossipIntervalMs - (intoMs < 0 ? intoMs + gossipIntervalMs : intoMs);
    }
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = NEVER;
    this.#round(nowMs);
  }

  /** A round out of turn; none within half an interval after another, whoever provokes it. */
  urge(nowMs: number): void {
    if (2 * (nowMs - this.#lastRoundMs) >= this.#kernel.config.gossipIntervalMs) this.#round(nowMs);
  }

  stop(): void {
    this.#dueMs = NEVER;
  }

  #round(nowMs: number): void {
    const { view, order, config } = this.#kernel;
    this.#lastRoundMs = nowMs;
    const hears = (index: number): boolean => {
      const rank = view.rank(index);
      if (rank === LEFT || rank === UNKNOWN) return false;
      // The wrongly dead hear of it here, and refute.
      const sinceMs = view.tombstones.get(index);
      return sinceMs === undefined || nowMs - sinceMs < config.gossipToDeadMs;
    };
    for (const index of order.sample(config.gossipNodes, hears)) {
      const to = view.address(index);
      if (to !== undefined && !this.#courier.gossip(to)) return;
    }
  }
}
