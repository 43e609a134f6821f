/** Something that waits in a wheel. All but `dueMs` belongs to the wheel; begin with `NO_SLOT`. */
export interface WheelEntry {
  dueMs: number;
  wheelSlot: number;
  wheelNext: WheelEntry | undefined;
  wheelPrevious: WheelEntry | undefined;
}

/** `wheelSlot` of an entry that is in no wheel. */
export const NO_SLOT = -1;
const SLOTS = 4096;

/**
 * A hashed timer wheel (Varghese and Lauck, 1987, scheme 6): adding and removing cost O(1) and
 * allocate nothing, so that every call may have a deadline. Knows no clock: `advance` is told.
 * Entries fire at most one granule late, never early.
 */
export class TimerWheel<T extends WheelEntry> {
  readonly #slots: (WheelEntry | undefined)[] = new Array<WheelEntry | undefined>(SLOTS);
  readonly #granuleMs: number;
  #tick: number;
  #size = 0;

  constructor(granuleMs: number, nowMs: number) {
    this.#granuleMs = granuleMs;
    this.#tick = Math.floor(nowMs / granuleMs);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds `entry`, due at `entry.dueMs`. An entry is in one wheel at most, once. */
  add(entry: T): void {
    const tick = Math.max(this.#tick + 1, Math.ceil(entry.dueMs / this.#granuleMs));
    const slot = tick % SLOTS;
    const head = this.#slots[slot];
    entry.wheelSlot = slot;
    entry.wheelNext = head;
    if (head !== undefined) head.wheelPrevious = entry;
    this.#slots[slot] = entry;
    this.#size += 1;
  }

  /** Takes `entry` out; harmless if it has fired or was never added. */
  remove(entry: T): void {
    if (entry.wheelSlot !== NO_SLOT) this.#unlink(entry);
  }

  /** Calls `fire` for every entry that is due at `nowMs`, after taking them out. */
  advance(nowMs: number, fire: (entry: T) => void): void {
    const target = Math.floor(nowMs / this.#granuleMs);
    const turns = Math.min(target - this.#tick, SLOTS);
    const due: T[] = [];
    for (let i = 1; i <= turns; i += 1) {
      let entry = this.#slots[(this.#tick + i) % SLOTS];
      while (entry !== undefined) {
        const next: WheelEntry | undefined = entry.wheelNext;
        if (entry.dueMs <= nowMs) {
          this.#unlink(entry);
          due.push(entry as T);
        }
        entry = next;
      }
    }
    if (target > this.#tick) this.#tick = target;
    for (const entry of due) fire(entry);
  }

  #unlink(entry: WheelEntry): void {
    const { wheelNext, wheelPrevious } = entry;
    if (wheelPrevious === undefined) this.#slots[entry.wheelSlot] = wheelNext;
    else wheelPrevious.wheelNext = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    entry.wheelSlot = NO_SLOT;
    entry.wheelNext = undefined;
    entry.wheelPrevious = undefined;
    this.#size -= 1;
  }
}
