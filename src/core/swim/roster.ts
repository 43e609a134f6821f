import { assert } from "../../std/assert.ts";
import { Announcement } from "./announcement.ts";
import type { PacketReader } from "./packet-reader.ts";
import type { MemberId } from "./wire.ts";

/** What `find` answers for an id that nobody uses. */
export const NOBODY = -1;

/**
 * Names and announcements, each kept once and known by a dense index, so that what a node holds of a
 * member is a few numbers in typed arrays. Entries live as long as someone holds them. A node has a
 * roster of its own; simulated nodes share one.
 */
export class Roster {
  readonly #byLo = new Map<number, number>();
  /** The next member with the same lower half of its id, or `NOBODY`. */
  readonly #chain: number[] = [];
  readonly #hi: number[] = [];
  readonly #lo: number[] = [];
  readonly #names: string[] = [];
  readonly #holders: number[] = [];
  readonly #freeMembers: number[] = [];
  readonly #latest: number[] = [];
  readonly #announcements: (Announcement | undefined)[] = [];
  readonly #readers: number[] = [];
  readonly #freeAnnouncements: number[] = [];

  /** One more than the largest index of a member ever given out. */
  get size(): number {
    return this.#names.length;
  }

  find(hi: number, lo: number): number {
    let index = this.#byLo.get(lo | 0) ?? NOBODY;
    while (index !== NOBODY && this.#hi[index] !== hi) index = this.#chain[index] ?? NOBODY;
    return index;
  }

  /** The index of an id, made if need be. Each call is answered by one `free`. */
  hold(hi: number, lo: number): number {
    const known = this.find(hi, lo);
    if (known !== NOBODY) {
      this.#holders[known] = (this.#holders[known] ?? 0) + 1;
      return known;
    }
    const index = this.#freeMembers.pop() ?? this.#names.length;
    this.#chain[index] = this.#byLo.get(lo | 0) ?? NOBODY;
    this.#byLo.set(lo | 0, index);
    this.#hi[index] = hi;
    this.#lo[index] = lo;
    this.#names[index] = "";
    this.#holders[index] = 1;
    this.#latest[index] = NOBODY;
    return index;
  }

  free(index: number): void {
    const holders = (this.#holders[index] ?? 0) - 1;
    assert(holders >= 0, "a member of the roster is held before it is freed");
    this.#holders[index] = holders;
    if (holders > 0) return;
    const lo = (this.#lo[index] ?? 0) | 0;
    let at = this.#byLo.get(lo) ?? NOBODY;
    const after = this.#chain[index] ?? NOBODY;
    if (at !== index) {
      while (this.#chain[at] !== index) at = this.#chain[at] ?? NOBODY;
      this.#chain[at] = after;
    } else if (after === NOBODY) this.#byLo.delete(lo);
    else this.#byLo.set(lo, after);
    this.#freeMembers.push(index);
  }

  id(index: number): MemberId {
    return { hi: this.#hi[index] ?? 0, lo: this.#lo[index] ?? 0 };
  }

  /** The member's name; empty while it is known by its id alone. */
  name(index: number): string {
    return this.#names[index] ?? "";
  }

  /** Keeps the `alive` that the reader has read of a member. Each call is answered by one `drop`. */
  keep(index: number, reader: PacketReader): number {
    if (this.#names[index] === "") this.#names[index] = reader.name;
    const latest = this.#latest[index] ?? NOBODY;
    const last = this.#announcements[latest];
    if (last !== undefined && reader.isPart(last.part)) {
      this.retain(latest);
      return latest;
    }
    const kept = this.#freeAnnouncements.pop() ?? this.#announcements.length;
    this.#announcements[kept] = new Announcement(reader);
    this.#readers[kept] = 1;
    this.#latest[index] = kept;
    return kept;
  }

  /** One more holder of an announcement that is held already. */
  retain(kept: number): void {
    this.#readers[kept] = (this.#readers[kept] ?? 0) + 1;
  }

  drop(kept: number): void {
    const readers = (this.#readers[kept] ?? 0) - 1;
    assert(readers >= 0, "an announcement is kept before it is dropped");
    this.#readers[kept] = readers;
    if (readers > 0) return;
    this.#announcements[kept] = undefined;
    this.#freeAnnouncements.push(kept);
  }

  announcement(kept: number): Announcement {
    const found = this.#announcements[kept];
    assert(found !== undefined, "an announcement is held by whoever asks for it");
    return found;
  }
}
