import process from "node:process";
import type { Logger } from "../../node/ports.ts";

/** When the process is to end: a signal or the admin API begins it, a second signal forces it. */
export class Ending {
  /** Resolves when the graceful end is to begin. */
  readonly begun: Promise<void>;
  /** Resolves when there is no more time for grace. */
  readonly forced: Promise<void>;
  #begin: () => void = () => undefined;
  #force: () => void = () => undefined;
  #signals = 0;

  constructor(log: Logger) {
    this.begun = new Promise((settle) => {
      this.#begin = settle;
    });
    this.forced = new Promise((settle) => {
      this.#force = settle;
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        log.info("signal", { signal });
        this.#signals += 1;
        this.#begin();
        // Only signals force: a drain by the API is followed by one as a matter of course.
        if (this.#signals > 1) this.#force();
      });
    }
  }

  /** Begins the graceful end, unless it has begun. */
  begin(): void {
    this.#begin();
  }
}
