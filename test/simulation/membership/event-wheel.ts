const SLOTS = 1 << 14;
const MASK = SLOTS - 1;

/** What happens at a time. */
type Happening = () => void;

interface Far {
  readonly atMs: number;
  readonly order: number;
  readonly run: Happening;
}

/**
 * Virtual time in whole milliseconds: one bucket for each of the next sixteen seconds, and a heap for
 * what lies beyond. What happens at one time happens in the order of its making.
 */
export class EventWheel {
  readonly #slots: Happening[][] = Array.from({ length: SLOTS }, () => []);
  readonly #far: Far[] = [];
  #made = 0;
  #nowMs = 0;
  #done = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Happenings so far. */
  get done(): number {
    return this.#done;
  }

  at(atMs: number, run: Happening): void {
    if (!Number.isInteger(atMs)) throw new Error(`${atMs} ms is no whole time`);
    const time = Math.max(atMs, this.#nowMs);
    if (time - this.#nowMs < SLOTS) this.#slots[time & MASK]?.push(run);
    else this.#pushFar({ atMs: time, order: this.#made++, run });
  }

  /** Lets everything happen up to and at `untilMs`. */
  run(untilMs: number): void {
    for (;;) {
      const bucket = this.#slots[this.#nowMs & MASK] ?? [];
      // Grows while it is walked: what is due at once happens at once.
      for (let i = 0; i < bucket.length; i += 1) {
        this.#done += 1;
        bucket[i]?.();
      }
      bucket.length = 0;
      if (this.#nowMs >= untilMs) return;
      this.#nowMs += 1;
      this.#takeFar();
    }
  }

  #takeFar(): void {
    const horizon = this.#nowMs + SLOTS - 1;
    for (let first = this.#far[0]; first !== undefined && first.atMs <= horizon; ) {
      this.#popFar();
      this.#slots[first.atMs & MASK]?.push(first.run);
      first = this.#far[0];
    }
  }

  #pushFar(added: Far): void {
    const heap = this.#far;
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Far;
      if (!isBefore(added, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = added;
  }

  #popFar(): void {
    const heap = this.#far;
    const last = heap.pop() as Far;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Far, heap[left] as Far);
      const least = heap[isRight ? right : left] as Far;
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = isRight ? right : left;
    }
    heap[at] = last;
  }
}

function isBefore(a: Far, b: Far): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
