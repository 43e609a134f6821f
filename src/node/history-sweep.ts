import type { ActorTypeSpec, History, Statestore } from "../contract/index.ts";
import type { Clock, Logger } from "./ports.ts";

/** What a sweep over past states works with. */
export interface HistorySweepOptions {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly log: Logger;
}

const EVERY_MS = 60_000;
/** After a sweep that was cut off: there is more, and it must not hold up calls. */
const SOONER_MS = 1_000;
/** Rows dropped in one sweep, of all types together. */
const SWEEP_ROWS = 10_000;

/**
 * Drops the past states that the policies of the registered types no longer keep: what a duration
 * has ended for while nothing was committed, and what a stricter policy left behind. Every node
 * does so; a type that cannot be swept is logged and holds up no other.
 */
export class HistorySweep {
  readonly #options: HistorySweepOptions;
  #stopTimer: () => void = () => undefined;
  #stopped = false;
  /** The type that the last sweep was cut off at; it comes last in the next one. */
  #cutOff: string | undefined;

  constructor(options: HistorySweepOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.store.history !== undefined) this.#schedule(EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { store, clock, log } = this.#options;
    const { history } = store;
    if (history === undefined) return;
    this.#stopTimer = clock.setTimer(delayMs, () => {
      this.#sweep(history).then(
        (isWhole) => this.#schedule(isWhole ? EVERY_MS : SOONER_MS),
        (error: unknown) => {
          log.warn("history.prune_failed", { error });
          this.#schedule(EVERY_MS);
        },
      );
    });
  }

  /** False if rows were left because the sweep had dropped enough. */
  async #sweep(history: History): Promise<boolean> {
    const { store, log } = this.#options;
    const types = inTurn(await store.types.list(), this.#cutOff);
    this.#cutOff = undefined;
    let left = SWEEP_ROWS;
    for (const { system, type, history: policy } of types) {
      if (policy.kind === "all" || this.#stopped) continue;
      try {
        left -= await history.prune({ system, type, policy, limit: left });
      } catch (error) {
        log.warn("history.prune_failed", { system, type, error });
      }
      if (left > 0) continue;
      this.#cutOff = pathOf({ system, type });
      return false;
    }
    return true;
  }
}

function pathOf({ system, type }: Pick<ActorTypeSpec, "system" | "type">): string {
  return `${system}/${type}`;
}

/** The types behind `last`, then the others up to it: a large one keeps no other waiting. */
function inTurn(
  types: readonly ActorTypeSpec[],
  last: string | undefined,
): readonly ActorTypeSpec[] {
  const next = types.findIndex((type) => pathOf(type) === last) + 1;
  return [...types.slice(next), ...types.slice(0, next)];
}
