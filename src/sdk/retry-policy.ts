import type { CallFailure } from "./call-failure.ts";

/** How a client repeats failed calls. */
export interface RetryOptions {
  /** Tries in all; 1 repeats nothing. */
  readonly attempts: number;
  /** Share of calls that may be repeats, so that clients do not multiply an overload. */
  readonly budget: number;
}

export const DEFAULT_RETRIES: RetryOptions = { attempts: 3, budget: 0.1 };

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;
/** Repeats that may come at once before the share counts. */
const SAVED = 10;
const TRANSIENT: ReadonlySet<string> = new Set(["unavailable", "resource_exhausted", "aborted"]);

/** Decides whether a failed call is repeated, within a budget shared by all calls of a client. */
export class RetryPolicy {
  readonly #options: RetryOptions;
  #tokens = SAVED;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Counts a call that is made for the first time. */
  begin(): void {
    this.#tokens = Math.min(SAVED, this.#tokens + this.#options.budget);
  }

  /**
   * Milliseconds to wait before the next try, or `undefined` if there is none: only a call that left
   * no trace, or that its request id makes harmless, is repeated.
   */
  delayMs(failure: CallFailure, attempt: number, hasRequestId: boolean): number | undefined {
    const harmless = failure.outcome !== "unknown" || hasRequestId;
    if (!harmless || !TRANSIENT.has(failure.code)) return undefined;
    if (attempt >= this.#options.attempts || this.#tokens < 1) return undefined;
    this.#tokens -= 1;
    const backOff = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
    return Math.max(failure.retryAfterMs ?? 0, backOff * (0.5 + Math.random() / 2));
  }
}
