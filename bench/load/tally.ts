/** Keeps the books of one run: what every actor answered, how long it took, and what was wrong. */
export class Tally {
  readonly #seen = new Map<string, Uint8Array>();
  readonly #answered = new Map<string, number>();
  readonly #check: boolean;
  readonly latencies: number[] = [];
  wrong = 0;
  firstWrong = "";

  constructor(check: boolean) {
    this.#check = check;
  }

  /** Takes the answer to one call that added 1. `text` is `undefined` if it was refused. */
  answered(key: string, text: string | undefined, ms: number, counted: boolean): void {
    if (counted) this.latencies.push(ms);
    if (text === undefined) return this.complain(`${key}: refused`);
    if (!this.#check) return;
    const count = Number(text);
    if (!Number.isSafeInteger(count) || count < 1) return this.complain(`${key}: ${text}`);
    let seen = this.#seen.get(key);
    if (seen === undefined || count >= seen.length) {
      const grown = new Uint8Array(Math.max(64, count * 2));
      if (seen !== undefined) grown.set(seen);
      seen = grown;
      this.#seen.set(key, grown);
    }
    if (seen[count] === 1) return this.complain(`${key}: ${count} was answered twice`);
    seen[count] = 1;
    this.#answered.set(key, (this.#answered.get(key) ?? 0) + 1);
  }

  /** Every actor that was called, with the count it must have now. */
  get expected(): ReadonlyMap<string, number> {
    return this.#answered;
  }

  complain(text: string): void {
    if (this.wrong === 0) this.firstWrong = text;
    this.wrong += 1;
  }

  /** The value below which this share of the latencies lies. */
  quantile(share: number): number {
    const sorted = this.latencies.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}
