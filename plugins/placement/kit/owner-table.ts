import type { PlacementMember, PlacementView } from "../../../src/contract/index.ts";
import { mix64 } from "../../../src/std/hash/mix64.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";
import { RankedMembers } from "./ranked-members.ts";

/** Actors whose owner is remembered per view; a power of two. */
const REMEMBERED = 1 << 13;

/** Slots of the table for large views; fixed, so that growth does not shift actors between slots. */
const SLOTS = 1 << 16;

/** The owners under one set of members: everything is found once and then remembered. */
export interface OwnerTable {
  owners(key: U64, count: number): readonly string[];
}

/** The tables of one placement: one per set of members, as long as somebody keeps that set. */
export class OwnerTables {
  readonly #slotsAbove: number;
  readonly #tables = new WeakMap<readonly PlacementMember[], OwnerTable>();
  #lastMembers: readonly PlacementMember[] | undefined;
  #lastTable: OwnerTable | undefined;

  /** With more members than `slotsAbove` the table is one of slots. */
  constructor(slotsAbove: number) {
    this.#slotsAbove = slotsAbove;
  }

  of({ members }: PlacementView): OwnerTable {
    if (members === this.#lastMembers && this.#lastTable !== undefined) return this.#lastTable;
    const table = this.#tables.get(members) ?? this.#made(members);
    this.#tables.set(members, table);
    this.#lastMembers = members;
    this.#lastTable = table;
    return table;
  }

  #made(members: readonly PlacementMember[]): OwnerTable {
    const ranked = new RankedMembers(members);
    if (ranked.size <= this.#slotsAbove) return new ActorTable(ranked);
    const last = this.#lastTable;
    return new SlotTable(ranked, last instanceof SlotTable ? last : undefined);
  }
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

/**
 * Ranks the members for each slot, so that a lookup does not grow with the number of members. After a
 * change the owner of a slot is found from the one before: against newcomers alone if it is still
 * there, else anew. That happens slot by slot as they are asked for, so no change costs a pause.
 */
class SlotTable implements OwnerTable {
  readonly #members: RankedMembers;
  readonly #firstOnly: FirstOnly;
  readonly #owner = new Int32Array(SLOTS).fill(-1);
  #before: Inheritance | undefined;

  constructor(members: RankedMembers, before: SlotTable | undefined) {
    this.#members = members;
    this.#firstOnly = new FirstOnly(members);
    if (before === undefined) return;
    const survivors = members.since(before.#members);
    if (survivors !== undefined) this.#before = { ...survivors, owners: before.#owner };
    // A table keeps one predecessor, not the whole past.
    before.#before = undefined;
  }

  owners(key: U64, count: number): readonly string[] {
    const slot = key.lo & (SLOTS - 1);
    if (count !== 1) return this.#members.order(slotKey(slot), count);
    let owner = this.#owner[slot] ?? -1;
    if (owner < 0) {
      owner = this.#find(slot);
      this.#owner[slot] = owner;
    }
    return this.#firstOnly.list(owner);
  }

  #find(slot: number): number {
    const key = slotKey(slot);
    const ownerBefore = this.#before?.owners[slot] ?? -1;
    const still = ownerBefore < 0 ? -1 : (this.#before?.nowAt[ownerBefore] ?? -1);
    if (this.#before === undefined || still < 0) return this.#members.first(key);
    return this.#members.firstOf(key, still, this.#before.newcomers);
  }
}

interface Inheritance {
  readonly owners: Int32Array;
  readonly nowAt: Int32Array;
  readonly newcomers: readonly number[];
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
