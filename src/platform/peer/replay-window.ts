const SIZE = 1_024;
const WORDS = SIZE / 32;

/** Accepts each sequence number once, as long as it is not too far behind the highest (RFC 4303, 3.4.3). */
export class ReplayWindow {
  readonly #seen = new Uint32Array(WORDS);
  #highest = -1n;

  /** False for a number that was accepted before, or is too old to tell. */
  accept(sequence: bigint): boolean {
    if (sequence > this.#highest) {
      this.#advance(sequence);
      return true;
    }
    if (this.#highest - sequence >= BigInt(SIZE)) return false;
    const bit = Number(sequence % BigInt(SIZE));
    const word = bit >>> 5;
    const mask = 1 << (bit & 31);
    if (((this.#seen[word] as number) & mask) !== 0) return false;
    this.#seen[word] = (this.#seen[word] as number) | mask;
    return true;
  }

  #advance(sequence: bigint): void {
    const steps = sequence - this.#highest;
    if (steps >= BigInt(SIZE)) this.#seen.fill(0);
    else {
      for (let next = this.#highest + 1n; next < sequence; next += 1n) this.#clear(next);
      this.#clear(sequence);
    }
    this.#highest = sequence;
    const bit = Number(sequence % BigInt(SIZE));
    this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] as number) | (1 << (bit & 31));
  }

  #clear(sequence: bigint): void {
    const bit = Number(sequence % BigInt(SIZE));
    this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] as number) & ~(1 << (bit & 31));
  }
}
