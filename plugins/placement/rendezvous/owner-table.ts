import type { PlacementView } from "../../../src/contract/index.ts";
import { mix64 } from "../../../src/std/hash/mix64.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";
import { RankedMembers } from "./ranked-members.ts";

/** Actors whose owner is remembered per view; a power of two. */
const REMEMBERED = 1 << 13;

/** Slots of the table for large views; fixed, so that growth does not shift actors between slots. */
const SLOTS = 1 << 16;

/** The owners under one view: everything is found once and then remembered. */
export interface OwnerTable {
  owners(key: U64, count: number): readonly string[];
}

/** Makes the table that fits the size of the view. */
export function ownerTable(view: PlacementView, slotsAbove: number): OwnerTable {
  const members = new RankedMembers(view);
  return members.size > slotsAbove ? new SlotTable(members) : new ActorTable(members);
}

/** Ranks the members for each actor, and remembers the last actor of each of a fixed set of cells. */
class ActorTable implements OwnerTable {
  readonly #members: RankedMembers;
  readonly #firstOnly: FirstOnly;
  readonly #keyHi = new Int32Array(REMEMBERED);
  readonly #keyLo = new Int32Array(REMEMBERED);
  readonly #owner = new Int32Array(REMEMBERED).fill(-1);

  constructor(members: RankedMembers) {
    this.#members = members;
    this.#firstOnly = new FirstOnly(members);
  }

  owners(key: U64, count: number): readonly string[] {
    if (count !== 1) return this.#members.order(key, count);
    const cell = key.lo & (REMEMBERED - 1);
    const remembered = this.#owner[cell] ?? -1;
    if (remembered >= 0 && this.#keyHi[cell] === key.hi && this.#keyLo[cell] === key.lo) {
      return this.#firstOnly.list(remembered);
    }
    const owner = this.#members.first(key);
    this.#keyHi[cell] = key.hi;
    this.#keyLo[cell] = key.lo;
    this.#owner[cell] = owner;
    return this.#firstOnly.list(owner);
  }
}

/** Ranks the members for each slot, so that a lookup does not grow with the number of members. */
class SlotTable implements OwnerTable {
  readonly #members: RankedMembers;
  readonly #firstOnly: FirstOnly;
  readonly #owner = new Int32Array(SLOTS).fill(-1);

  constructor(members: RankedMembers) {
    this.#members = members;
    this.#firstOnly = new FirstOnly(members);
  }

  owners(key: U64, count: number): readonly string[] {
    const slot = key.lo & (SLOTS - 1);
    if (count !== 1) return this.#members.order(slotKey(slot), count);
    let owner = this.#owner[slot] ?? -1;
    if (owner < 0) {
      owner = this.#members.first(slotKey(slot));
      this.#owner[slot] = owner;
    }
    return this.#firstOnly.list(owner);
  }
}

/** The answers to "who is first", made once per member. */
class FirstOnly {
  readonly #lists: readonly (readonly string[])[];

  constructor(members: RankedMembers) {
    this.#lists = Array.from({ length: members.size }, (_, at) =>
      Object.freeze([members.nodeId(at)]),
    );
  }

  list(index: number): readonly string[] {
    return this.#lists[index] ?? [];
  }
}

/** `mix64(slot + 1)`: zero would stay zero. */
function slotKey(slot: number): U64 {
  const key = { hi: 0, lo: slot + 1 };
  mix64(key);
  return key;
}
