/**
 * A small seeded generator of pseudo-random numbers (Mulberry32). The same seed gives the same
 * sequence on every engine; not for secrets. Each instance is its own stream.
 */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number, 0 to 2^32 − 1. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.uint32() / 0x100000000;
  }

  /** A whole number, 0 to `bound` − 1. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
