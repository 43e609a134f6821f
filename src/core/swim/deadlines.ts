/** A deadline that has come. */
export interface Deadline {
  readonly atMs: number;
  readonly subject: number;
  readonly token: number;
}

/**
 * Deadlines in the order of their time, ties by their tokens. Nothing is taken out
 * before its time: whoever asks ignores a deadline whose token is no longer in force.
 */
export class Deadlines {
  readonly #heap: Deadline[] = [];

  /** When the next deadline comes; infinity if there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  get length(): number {
    return this.#heap.length;
  }

  add(atMs: number, subject: number, token: number): void {
    const heap = this.#heap;
    const added: Deadline = { atMs, subject, token };
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(added, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = added;
  }

  /** Takes out the first deadline that has come by `nowMs`, if any. */
  take(nowMs: number): Deadline | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(moved: Deadline): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      if (left === undefined) break;
      const right = heap[2 * at + 2];
      const isRight = right !== undefined && isBefore(right, left);
      const least = isRight ? right : left;
      if (!isBefore(least, moved)) break;
      heap[at] = least;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = moved;
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.atMs === b.atMs ? a.token < b.token : a.atMs < b.atMs;
}
