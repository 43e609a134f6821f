import type { Announcement } from "./announcement.ts";
import {
  ALIVE,
  DEAD,
  type MemberInfo,
  type Rank,
  type Standing,
  stateOf,
  SUSPECT,
  UNKNOWN,
} from "./member.ts";
import type { PacketReader } from "./packet-reader.ts";
import type { Roster } from "./roster.ts";

/**
 * What one node holds of every member, by the roster's dense index: 17 bytes a member and the
 * announcement, which is shared. The dead and the left stay as tombstones, so that late statements
 * cannot bring them back.
 */
export class View {
  readonly roster: Roster;
  /** When each dead or left member became so, in the order of learning. */
  readonly tombstones = new Map<number, number>();
  #ranks: Uint8Array;
  #generations: Float64Array;
  #incarnations: Uint32Array;
  /** One more than the index of the announcement in force; 0 for none. */
  #announced: Uint32Array;
  #live = 0;
  #digest = 0;
  #otherDigest = 0;

  /** `capacity` members have room from the start. */
  constructor(roster: Roster, capacity: number) {
    this.roster = roster;
    this.#ranks = new Uint8Array(capacity);
    this.#generations = new Float64Array(capacity);
    this.#incarnations = new Uint32Array(capacity);
    this.#announced = new Uint32Array(capacity);
  }

  /** Members that are alive or suspect, the local node included. */
  get live(): number {
    return this.#live;
  }

  /**
   * Fingerprint of the live members and what they last announced, whatever the order of learning.
   * Suspicion and tombstones are left out: the one settles by itself, the other only the old hold.
   */
  get digest(): number {
    return this.#digest >>> 0;
  }

  /** Another fingerprint of the same. Where both are equal, so is what they are of. */
  get otherDigest(): number {
    return this.#otherDigest >>> 0;
  }

  rank(index: number): Rank {
    return (this.#ranks[index] ?? UNKNOWN) as Rank;
  }

  isLive(index: number): boolean {
    const rank = this.#ranks[index];
    return rank === ALIVE || rank === SUSPECT;
  }

  generation(index: number): number {
    return this.#generations[index] ?? 0;
  }

  incarnation(index: number): number {
    return this.#incarnations[index] ?? 0;
  }

  standing(index: number): Standing {
    const [generation, incarnation] = [this.generation(index), this.incarnation(index)];
    return { generation, incarnation, rank: this.rank(index) };
  }

  /** The announcement in force; `undefined` for a member that is known by a tombstone alone. */
  announcement(index: number): Announcement | undefined {
    const announced = this.#announced[index] ?? 0;
    return announced === 0 ? undefined : this.roster.announcement(announced - 1);
  }

  address(index: number): string | undefined {
    return this.announcement(index)?.address;
  }

  info(index: number): MemberInfo {
    const announcement = this.announcement(index);
    const generation = this.generation(index);
    return {
      name: this.roster.name(index),
      address: announcement?.address ?? "",
      bootId: announcement?.generation === generation ? announcement.bootId : "",
      generation,
      incarnation: this.incarnation(index),
      state: stateOf(this.rank(index)),
      meta: announcement?.meta ?? new Uint8Array(0),
    };
  }

  /** Takes a member up that was unknown until now, at a standing. */
  enter(idHi: number, idLo: number, standing: Standing): number {
    const index = this.roster.hold(idHi, idLo);
    if (index >= this.#ranks.length) this.#grow(index + 1);
    this.set(index, standing);
    return index;
  }

  /** Puts what the reader read as an `alive` in force. */
  announce(index: number, reader: PacketReader): void {
    const before = this.#announced[index] ?? 0;
    this.#count(index, -1);
    this.#announced[index] = this.roster.keep(index, reader) + 1;
    this.#count(index, 1);
    if (before !== 0) this.roster.drop(before - 1);
  }

  /** Takes over what another view of the same roster holds of a member that is unknown here. */
  adopt(other: View, index: number): void {
    const { hi, lo } = this.roster.id(index);
    const announced = other.#announced[index] ?? 0;
    this.enter(hi, lo, other.standing(index));
    if (announced === 0) return;
    this.roster.retain(announced - 1);
    this.#announced[index] = announced;
    this.#count(index, 1);
  }

  /** Becomes what another view of the same roster is; nothing but the local node was known here. */
  copy(other: View): void {
    for (let index = 0; index < this.#ranks.length; index += 1) {
      if (this.#ranks[index] !== UNKNOWN) this.forget(index);
    }
    if (other.#ranks.length > this.#ranks.length) this.#grow(other.#ranks.length);
    this.#ranks.set(other.#ranks);
    this.#generations.set(other.#generations);
    this.#incarnations.set(other.#incarnations);
    this.#announced.set(other.#announced);
    this.#live = other.#live;
    this.#digest = other.#digest;
    this.#otherDigest = other.#otherDigest;
    for (let index = 0; index < other.#ranks.length; index += 1) {
      if (other.#ranks[index] !== UNKNOWN) this.roster.holdAgain(index);
      const announced = other.#announced[index] ?? 0;
      if (announced !== 0) this.roster.retain(announced - 1);
    }
  }

  /** The live members without one. */
  *liveBut(except: number): Iterable<number> {
    for (let index = 0; index < this.#ranks.length; index += 1) {
      if (index !== except && this.isLive(index)) yield index;
    }
  }

  /** Changes what is held. Tombstones are the caller's to add. */
  set(index: number, standing: Standing): void {
    this.#count(index, -1);
    this.#ranks[index] = standing.rank;
    this.#generations[index] = standing.generation;
    this.#incarnations[index] = standing.incarnation;
    this.#count(index, 1);
    if (standing.rank < DEAD) this.tombstones.delete(index);
  }

  forget(index: number): void {
    const announced = this.#announced[index] ?? 0;
    this.#count(index, -1);
    this.#ranks[index] = UNKNOWN;
    this.#announced[index] = 0;
    this.tombstones.delete(index);
    if (announced !== 0) this.roster.drop(announced - 1);
    this.roster.free(index);
  }

  /** Keeps count and digest in step: called with −1 before a change and with 1 after it. */
  #count(index: number, sign: 1 | -1): void {
    const announced = this.#announced[index] ?? 0;
    if (!this.isLive(index) || announced === 0) return;
    const { generation, incarnation } = this.roster.announcement(announced - 1);
    const { hi, lo } = this.roster.id(index);
    let mixed = mix(hi ^ 0x9e3779b9, lo);
    mixed = mix(mixed, Math.floor(generation / 0x100000000));
    mixed = mix(mixed, generation | 0);
    mixed = mix(mixed, incarnation);
    this.#digest = (this.#digest + sign * mixed) | 0;
    this.#otherDigest = (this.#otherDigest + sign * mix(mixed ^ lo, hi)) | 0;
    this.#live += sign;
  }

  #grow(least: number): void {
    const capacity = Math.max(16, least, Math.ceil(this.#ranks.length * 1.5));
    const grown = <T extends Uint8Array | Float64Array | Uint32Array>(made: T, old: T): T => {
      made.set(old);
      return made;
    };
    this.#ranks = grown(new Uint8Array(capacity), this.#ranks);
    this.#generations = grown(new Float64Array(capacity), this.#generations);
    this.#incarnations = grown(new Uint32Array(capacity), this.#incarnations);
    this.#announced = grown(new Uint32Array(capacity), this.#announced);
  }
}

/** Stirs a word into 32 bits (the finaliser of MurmurHash3, by Austin Appleby). */
function mix(state: number, word: number): number {
  let mixed = Math.imul(state ^ word, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
