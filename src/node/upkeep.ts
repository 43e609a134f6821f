import type { Statestore } from "../contract/index.ts";
import type { Limits } from "../domain/limits.ts";
import type { Clock, Logger } from "./ports.ts";
import { resealOnce } from "./reseal.ts";
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
const RESEAL_EVERY_MS = 1_000;
/** Rows moved to the active key per second: a rotation must not be felt by calls. */
const RESEAL_ROWS = 200;
/** How long a sweep waits that met nothing but rows that cannot be opened: more may lie behind them. */
const RESEAL_AGAIN_MS = 60_000;

/**
 * What a node does for its store in the background: lets go of recorded replies beyond their window,
 * and after a key rotation moves rows to the active key until none is left.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #stopPrune: () => void = () => undefined;
  #stopReseal: () => void = () => undefined;
  #stopped = false;
  #moved = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedulePrune();
    this.#scheduleReseal(RESEAL_EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopPrune();
    this.#stopReseal();
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

  #scheduleReseal(delayMs: number): void {
    if (this.#stopped) return;
    const { store, sealer, clock, log } = this.#options;
    this.#stopReseal = clock.setTimer(delayMs, () => {
      resealOnce(store, sealer, RESEAL_ROWS).then(
        ({ moved, changed, unreadable }) => {
          this.#moved += moved;
          if (moved + changed > 0) return this.#scheduleReseal(RESEAL_EVERY_MS);
          if (unreadable === RESEAL_ROWS) return this.#scheduleReseal(RESEAL_AGAIN_MS);
          // Rows written from now on lie under the active key, so the sweep is over.
          if (this.#moved > 0 || unreadable > 0) {
            log.info("keys.resealed", { moved: this.#moved, unreadable });
          }
        },
        (error: unknown) => {
          log.warn("keys.reseal_failed", { error });
          this.#scheduleReseal(RESEAL_EVERY_MS);
        },
      );
    });
  }
}
