import type { Outbox } from "./effects.ts";

/**
 * Lifeguard's local health multiplier: how much the local node doubts its own hearing. Each failed
 * probe, missed nack and accusation raises it, each success lowers it; probes last as many times
 * longer.
 */
export class LocalHealth {
  readonly #most: number;
  readonly #outbox: Outbox;
  #score = 0;

  constructor(most: number, outbox: Outbox) {
    this.#most = most;
    this.#outbox = outbox;
  }

  get score(): number {
    return this.#score;
  }

  change(by: number): void {
    const score = Math.min(this.#most, Math.max(0, this.#score + by));
    if (score === this.#score) return;
    this.#score = score;
    this.#outbox.event({ kind: "health", score });
  }

  scale(intervalMs: number): number {
    return intervalMs * (this.#score + 1);
  }
}
