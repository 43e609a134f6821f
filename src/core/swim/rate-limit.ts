const MOST = 1_024;

/** Lets something pass once in a while for each subject. Remembers a bounded number of subjects. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #lastMs = new Map<number, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Whether it may pass now; if so, not again for the subject within the interval. */
  passes(subject: number, nowMs: number): boolean {
    const lastMs = this.#lastMs.get(subject);
    if (lastMs !== undefined && nowMs - lastMs < this.#intervalMs) return false;
    this.#lastMs.delete(subject);
    if (this.#lastMs.size >= MOST) {
      for (const oldest of this.#lastMs.keys()) {
        this.#lastMs.delete(oldest);
        break;
      }
    }
    this.#lastMs.set(subject, nowMs);
    return true;
  }
}
