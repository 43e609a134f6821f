import type { Statestore } from "../contract/index.ts";
import type { Limits } from "../domain/limits.ts";
import { HistorySweep } from "./history-sweep.ts";
import type { Clock, Logger } from "./ports.ts";
import { type ResealProgress, ResealSweep } from "./reseal-sweep.ts";
import type { Sealer } from "./sealer.ts";

export interface UpkeepOptions {
  readonly store: Statestore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
}

const PRUNE_EVERY_MS = 60_000;
const PRUNE_ROWS = 10_000;

/**
 * What a node does for its store in the background: lets go of recorded replies beyond their window
 * and of past states that no policy keeps, and after a key rotation moves rows to the active key.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #sweep: ResealSweep;
  readonly #history: HistorySweep;
  #stopPrune: () => void = () => undefined;
  #stopped = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#history = new HistorySweep(options);
    this.#sweep = new ResealSweep({ ...options, rate: options.limits.resealRate });
  }

  /** How far re-encryption has come. */
  get resealing(): ResealProgress {
    return this.#sweep.progress;
  }

  start(): void {
    this.#schedulePrune();
    this.#history.start();
    this.#sweep.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopPrune();
    this.#history.stop();
    this.#sweep.stop();
  }

  #schedulePrune(): void {
    if (this.#stopped) return;
    const { store, clock, limits, log } = this.#options;
    this.#stopPrune = clock.setTimer(PRUNE_EVERY_MS, () => {
      store
        .prune(limits.dedupWindowMs, limits.dedupKeep, PRUNE_ROWS)
        .catch((error: unknown) => log.warn("dedup.prune_failed", { error }))
        .finally(() => this.#schedulePrune());
    });
  }
}
