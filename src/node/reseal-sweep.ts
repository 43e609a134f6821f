import type { Statestore } from "../contract/index.ts";
import type { Clock, Logger } from "./ports.ts";
import { type ResealCount, resealOnce } from "./reseal.ts";
import type { Sealer } from "./sealer.ts";

/** How the sweeps of this node stand, since it started. */
export interface ResealProgress {
  readonly running: boolean;
  readonly moved: number;
  /** Rows met that do not open. */
  readonly unreadable: number;
  /** Most rows per second. */
  readonly rate: number;
}

export interface ResealSweepOptions {
  readonly store: Statestore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Most rows per second: a rotation must not be felt by calls. */
  readonly rate: number;
}

const FIRST_MS = 1_000;
/** Rows that are held at once, each of which may be as large as a state. */
const MOST_ROWS = 50;
const STEPS_PER_SECOND = 10;
const FAILED_MS = 1_000;
const LOG_EVERY_MS = 10_000;
/** Rows that do not open and are told apart; with more of them a sweep ends. */
const MOST_UNREADABLE = 10_000;
/** An actor may get its seed later; what it had before then is moved by the next sweep. */
const AGAIN_MS = 86_400_000;

/**
 * Moves rows to the active key and under the seeds of their actors until none is left: after each
 * start, because that is when keys change, and once a day. Rows that cannot be opened are passed by.
 */
export class ResealSweep {
  readonly #options: ResealSweepOptions;
  readonly #rows: number;
  readonly #unreadable = new Set<string>();
  #cancel: () => void = () => undefined;
  #stopped = false;
  #running = false;
  #moved = 0;
  #loggedMs = 0;

  constructor(options: ResealSweepOptions) {
    this.#options = options;
    this.#rows = Math.min(MOST_ROWS, Math.ceil(options.rate / STEPS_PER_SECOND));
  }

  get progress(): ResealProgress {
    const { rate } = this.#options;
    return {
      running: this.#running,
      moved: this.#moved,
      unreadable: this.#unreadable.size,
      rate,
    };
  }

  /** Does nothing where nothing is encrypted, or where the store cannot move rows. */
  start(): void {
    const { store, sealer } = this.#options;
    if (store.resealing !== undefined && sealer.keys !== undefined) this.#schedule(FIRST_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#cancel = clock.setTimer(delayMs, () => this.#step());
  }

  #step(): void {
    const { store, sealer, clock, log, rate } = this.#options;
    const begun = clock.now();
    if (!this.#running) this.#begin(begun);
    resealOnce(store, sealer, this.#rows).then(
      (count) => {
        this.#moved += count.moved;
        if (this.#isOver(count)) return this.#end();
        this.#tell(clock.now());
        this.#schedule(Math.max(0, begun + (1_000 * this.#rows) / rate - clock.now()));
      },
      (error: unknown) => {
        if (this.#stopped) return;
        log.warn("keys.reseal_failed", { error });
        this.#schedule(FAILED_MS);
      },
    );
  }

  #begin(nowMs: number): void {
    this.#running = true;
    this.#unreadable.clear();
    this.#loggedMs = nowMs;
  }

  /** A walk that met nothing but rows which it has met before has been everywhere. */
  #isOver({ moved, changed, unreadable }: ResealCount): boolean {
    const known = this.#unreadable.size;
    for (const { purpose, rowId } of unreadable) this.#unreadable.add(`${purpose} ${rowId}`);
    if (moved + changed > 0) return false;
    return this.#unreadable.size === known || known > MOST_UNREADABLE;
  }

  #tell(nowMs: number): void {
    if (nowMs - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = nowMs;
    const { moved, unreadable } = this.progress;
    this.#options.log.info("keys.resealing", { moved, unreadable });
  }

  /** Rows written from now on lie under the active key, so none is left but those that do not open. */
  #end(): void {
    this.#running = false;
    const { moved, unreadable } = this.progress;
    if (moved > 0 || unreadable > 0) this.#options.log.info("keys.resealed", { moved, unreadable });
    this.#schedule(AGAIN_MS);
  }
}
