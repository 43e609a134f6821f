import type { SwimRandom } from "./swim-random.ts";

/** What `next` answers when nobody is to be probed. */
export const NO_TARGET = -1;

/**
 * The members in the order in which they are probed: a shuffled round, walked to its end, so that
 * between two probes of one member by one prober there are at most 2n − 1 others (SWIM, 2002). The
 * dead stay until the round ends, and count as members for as long.
 */
export class ProbeOrder {
  readonly #random: SwimRandom;
  #members: Uint32Array;
  #length = 0;
  #cursor = 0;
  #picked = new Uint32Array(8);

  constructor(random: SwimRandom, capacity: number) {
    this.#random = random;
    this.#members = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  at(position: number): number {
    return position < this.#length ? (this.#members[position] ?? NO_TARGET) : NO_TARGET;
  }

  /** Adds a member at a random place, so that newcomers are not all probed last. */
  add(index: number): void {
    if (this.#length === this.#members.length) {
      const grown = new Uint32Array(Math.max(16, Math.ceil(this.#length * 1.5)));
      grown.set(this.#members);
      this.#members = grown;
    }
    this.#members[this.#length] = index;
    this.#length += 1;
    this.#swap(this.#length - 1, this.#random.below(this.#length));
  }

  /** Fills the order with members in bulk and shuffles it. */
  addAll(indices: Iterable<number>): void {
    for (const index of indices) {
      if (this.#length === this.#members.length) this.add(index);
      else {
        this.#members[this.#length] = index;
        this.#length += 1;
      }
    }
    this.#shuffle();
  }

  has(index: number): boolean {
    return this.#members.subarray(0, this.#length).includes(index);
  }

  remove(index: number): void {
    const at = this.#members.subarray(0, this.#length).indexOf(index);
    if (at < 0) return;
    this.#members.copyWithin(at, at + 1, this.#length);
    this.#length -= 1;
    if (at < this.#cursor) this.#cursor -= 1;
  }

  /**
   * The next member for which `isTarget` holds. Where the round ends, those for which `isGone` holds
   * are let go of and a new round begins; a member is looked at once per call at most.
   */
  next(isTarget: (index: number) => boolean, isGone: (index: number) => boolean): number {
    for (let looked = 0; looked <= this.#length; looked += 1) {
      if (this.#cursor >= this.#length) this.#newRound(isGone);
      const index = this.at(this.#cursor);
      this.#cursor += 1;
      if (index !== NO_TARGET && isTarget(index)) return index;
    }
    return NO_TARGET;
  }

  /**
   * Up to `count` different members for which `accepts` holds, at random. Few members are all
   * looked at; of many, 3n draws are made at most. The answer is good until the next call.
   */
  sample(count: number, accepts: (index: number) => boolean): Uint32Array {
    if (this.#picked.length < count) this.#picked = new Uint32Array(count);
    const found =
      this.#length < 3 * count ? this.#scan(count, accepts) : this.#draw(count, accepts);
    return this.#picked.subarray(0, found);
  }

  #scan(count: number, accepts: (index: number) => boolean): number {
    const all = this.#members.slice(0, this.#length);
    let found = 0;
    for (let rest = all.length; rest > 0 && found < count; rest -= 1) {
      const at = this.#random.below(rest);
      const index = all[at] ?? NO_TARGET;
      all[at] = all[rest - 1] ?? NO_TARGET;
      if (!accepts(index)) continue;
      this.#picked[found] = index;
      found += 1;
    }
    return found;
  }

  #draw(count: number, accepts: (index: number) => boolean): number {
    let found = 0;
    for (let draws = 3 * this.#length; draws > 0 && found < count; draws -= 1) {
      const index = this.at(this.#random.below(this.#length));
      if (this.#picked.subarray(0, found).includes(index) || !accepts(index)) continue;
      this.#picked[found] = index;
      found += 1;
    }
    return found;
  }

  #newRound(isGone: (index: number) => boolean): void {
    let kept = 0;
    for (let at = 0; at < this.#length; at += 1) {
      const index = this.at(at);
      if (isGone(index)) continue;
      this.#members[kept] = index;
      kept += 1;
    }
    this.#length = kept;
    this.#shuffle();
    this.#cursor = 0;
  }

  /** Fisher and Yates. */
  #shuffle(): void {
    for (let at = this.#length - 1; at > 0; at -= 1) this.#swap(at, this.#random.below(at + 1));
  }

  #swap(a: number, b: number): void {
    const held = this.at(a);
    this.#members[a] = this.at(b);
    this.#members[b] = held;
  }
}
