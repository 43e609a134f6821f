import { assert } from "../../std/assert.ts";
import { Announcement } from "./announcement.ts";
import type { PacketReader } from "./packet-reader.ts";
import type { MemberId } from "./wire.ts";

/** What `find` answers for an id that nobody uses. */
export const NOBODY = -1;

const LEAST_BUCKETS = 16;

/**
 * Names and announcements, each kept once and known by a dense index, so that what a node holds of a
 * member is a few numbers in typed arrays. Entries live as long as someone holds them. A node has a
 * roster of its own; simulated nodes share one.
 */
export class Roster {
  /** The first member of each bucket and the next one after each member, or `NOBODY`. */
  #buckets = new Int32Array(LEAST_BUCKETS).fill(NOBODY);
  #chain = new Int32Array(LEAST_BUCKETS);
  #hi = new Uint32Array(LEAST_BUCKETS);
  #lo = new Uint32Array(LEAST_BUCKETS);
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
    let index = this.#buckets[lo & (this.#buckets.length - 1)] ?? NOBODY;
    while (index !== NOBODY && (this.#lo[index] !== lo || this.#hi[index] !== hi)) {
      index = this.#chain[index] ?? NOBODY;
    }
    return index;
  }

  /** The index of an id, made if need be. Each call is answered by one `free`. */
  hold(hi: number, lo: number): number {
    const known = this.find(hi, lo);
    if (known !== NOBODY) {
      this.holdAgain(known);
      return known;
    }
    const index = this.#freeMembers.pop() ?? this.#names.length;
    this.#names[index] = "";
    if (index >= this.#lo.length) this.#grow();
    this.#hi[index] = hi;
    this.#lo[index] = lo;
    this.#link(index);
    this.#holders[index] = 1;
    this.#latest[index] = NOBODY;
    return index;
  }

  /** One more holder of a member that is held already. */
  holdAgain(index: number): void {
    this.#holders[index] = (this.#holders[index] ?? 0) + 1;
  }

  free(index: number): void {
    const holders = (this.#holders[index] ?? 0) - 1;
    assert(holders >= 0, "a member of the roster is held before it is freed");
    this.#holders[index] = holders;
    if (holders > 0) return;
    const bucket = this.#bucket(index);
    const after = this.#chain[index] ?? NOBODY;
    let at = this.#buckets[bucket] ?? NOBODY;
    if (at === index) this.#buckets[bucket] = after;
    else {
      while (this.#chain[at] !== index) at = this.#chain[at] ?? NOBODY;
      this.#chain[at] = after;
    }
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

  #bucket(index: number): number {
    return (this.#lo[index] ?? 0) & (this.#buckets.length - 1);
  }

  #link(index: number): void {
    const bucket = this.#bucket(index);
    this.#chain[index] = this.#buckets[bucket] ?? NOBODY;
    this.#buckets[bucket] = index;
  }

  /** Twice the room; all indices are in use then. */
  #grow(): void {
    const { length } = this.#lo;
    const twice = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(2 * length);
      grown.set(old);
      return grown;
    };
    this.#hi = twice(this.#hi);
    this.#lo = twice(this.#lo);
    this.#chain = new Int32Array(2 * length);
    this.#buckets = new Int32Array(2 * length).fill(NOBODY);
    for (let index = 0; index < length; index += 1) this.#link(index);
  }

  announcement(kept: number): Announcement {
    const found = this.#announcements[kept];
    assert(found !== undefined, "an announcement is held by whoever asks for it");
    return found;
  }
}
