import type { ServerError } from "../domain/error.ts";
import type { Clock, Logger } from "../node/ports.ts";
import type { EdgeInstruments } from "./api-options.ts";

const LINES_PER_SECOND = 10;
const SECOND_MS = 1_000;
const REASONS = 1_000;

interface Window {
  sinceMs: number;
  lines: number;
  suppressed: number;
}

/**
 * The instruments with a log line for each refusal and each bug, at most ten per second and reason:
 * refusals are what an attacker can make in any number.
 */
export class LoggedInstruments implements EdgeInstruments {
  readonly #inner: EdgeInstruments;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(inner: EdgeInstruments, log: Logger, clock: Clock) {
    this.#inner = inner;
    this.#log = log;
    this.#clock = clock;
  }

  observe(method: string, code: string, ms: number): void {
    this.#inner.observe(method, code, ms);
  }

  aborted(phase: "read" | "call"): void {
    this.#inner.aborted(phase);
  }

  rejected(entry: string, reason: string): void {
    this.#inner.rejected(entry, reason);
    this.#sample(`${entry} ${reason}`, (suppressed) =>
      this.#log.warn(`${entry}.rejected`, { reason, suppressed }),
    );
  }

  /** Logs what the caller of a call that met a bug of ours is not told. Other failures are none. */
  failed(entry: string, error: ServerError): void {
    if (error.code !== "internal.bug") return;
    this.#sample(`${entry} bug`, (suppressed) =>
      this.#log.error(`${entry}.failed`, { error: error.details.cause ?? error, suppressed }),
    );
  }

  #sample(name: string, write: (suppressed: number) => void): void {
    const window = this.#window(name);
    if (window.lines >= LINES_PER_SECOND) {
      window.suppressed += 1;
      return;
    }
    window.lines += 1;
    write(window.suppressed);
    window.suppressed = 0;
  }

  #window(name: string): Window {
    const now = this.#clock.now();
    const known = this.#windows.get(name);
    if (known !== undefined) {
      if (now - known.sinceMs >= SECOND_MS) {
        known.sinceMs = now;
        known.lines = 0;
      }
      return known;
    }
    // Reasons are a closed list; only a plug-in that makes them up could fill the map.
    if (this.#windows.size >= REASONS) this.#windows.clear();
    const fresh = { sinceMs: now, lines: 0, suppressed: 0 };
    this.#windows.set(name, fresh);
    return fresh;
  }
}
