import type { PluginClock } from "../../../src/contract/index.ts";

/** 2026-01-01T00:00:00Z. */
const NEW_YEAR_2026_MS = 1_767_225_600_000;

/** How many rounds of finished promises a step of virtual time lets through. */
const SETTLE_ROUNDS = 50;

/** A clock that only `advance` moves: timers fire in order of their time, then of their making. */
export class VirtualClock implements PluginClock {
  #nowMs = 0;
  #made = 0;
  #wallOffsetMs: number;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  constructor(wallMs = NEW_YEAR_2026_MS) {
    this.#wallOffsetMs = wallMs;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    this.#made += 1;
    const id = this.#made;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), callback });
    return () => void this.#timers.delete(id);
  }

  /** Moves the wall clock alone, as an operator or a suspended machine does. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets `byMs` pass and waits for what the timers started. */
  async advance(byMs: number): Promise<void> {
    const end = this.#nowMs + byMs;
    await settle();
    for (let due = this.#nextDue(end); due !== undefined; due = this.#nextDue(end)) {
      const timer = this.#timers.get(due);
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, timer?.atMs ?? 0);
      timer?.callback();
      await settle();
    }
    this.#nowMs = end;
  }

  #nextDue(endMs: number): number | undefined {
    let first: number | undefined;
    let firstAt = endMs;
    for (const [id, timer] of this.#timers) {
      if (timer.atMs > firstAt || (timer.atMs === firstAt && first !== undefined)) continue;
      first = id;
      firstAt = timer.atMs;
    }
    return first;
  }
}

/** Lets promises that are already decided run, and I/O that is under way make progress. */
export async function settle(): Promise<void> {
  for (let round = 0; round < SETTLE_ROUNDS; round += 1) await Promise.resolve();
}
