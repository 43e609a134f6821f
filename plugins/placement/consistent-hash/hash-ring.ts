import type { PlacementMember } from "../../../src/contract/index.ts";
import { assert } from "../../../src/std/assert.ts";
import { mix64 } from "../../../src/std/hash/mix64.ts";
import { add64, type U64 } from "../../../src/std/hash/u64.ts";
import { xxHash64 } from "../../../src/std/hash/xx-hash64.ts";

/** Low bits of a point name its member, the rest is its position. */
const MEMBER_BITS = 16;
const MEMBER_MASK = 0xffff;
/** Points of one member at most, however heavy it is. */
const MOST_POINTS = 1 << 16;
/** The golden ratio in 64 bits, high lane first: the step of SplitMix64. */
const STEP = { hi: 0x9e3779b9 | 0, lo: 0x7f4a7c15 } as const;

/** The points of one set of members on a circle of 2⁴⁸ positions, in order. */
export class HashRing {
  readonly #nodeIds: readonly string[];
  /** Every point as two lanes, low lane first. */
  readonly #lanes: Uint32Array;

  /** `perWeight`: points of a member of weight 1. */
  constructor(members: readonly PlacementMember[], perWeight: number) {
    // Points at one position are ordered by the index of their member, so that has to mean something.
    const sorted = [...members].sort((a, b) => byteOrder(a.nodeId, b.nodeId));
    assert(sorted.length <= MEMBER_MASK + 1, "a ring has at most 65,536 members");
    this.#nodeIds = sorted.map(({ nodeId }) => nodeId);
    const counts = sorted.map((each) => pointsOf(each, perWeight));
    const points = new BigUint64Array(counts.reduce((sum, count) => sum + count, 0));
    this.#lanes = new Uint32Array(points.buffer);
    let at = 0;
    sorted.forEach(({ nodeId }, member) => {
      at = this.#place(nodeId, member, counts[member] ?? 0, at);
    });
    points.sort();
  }

  /** The first `count` members that are met clockwise from `key`; one if that is all there is. */
  owners(key: U64, count: number): readonly string[] {
    const wanted = Math.min(count, this.#nodeIds.length);
    const points = this.#lanes.length / 2;
    const found: string[] = [];
    const met = new Set<number>();
    const start = this.#firstAtOrAfter(key.hi >>> 0, key.lo >>> 0);
    for (let step = 0; found.length < wanted && step < points; step += 1) {
      const member = (this.#lanes[2 * ((start + step) % points)] ?? 0) & MEMBER_MASK;
      if (met.has(member)) continue;
      met.add(member);
      found.push(this.#nodeIds[member] ?? "");
    }
    return found;
  }

  /** Writes the points of one member from index `from` on; answers where the next begin. */
  #place(nodeId: string, member: number, count: number, from: number): number {
    const seed = xxHash64(new TextEncoder().encode(nodeId));
    const point: U64 = { hi: 0, lo: 0 };
    for (let nth = 0; nth < count; nth += 1) {
      add64(seed, STEP.hi, STEP.lo);
      point.hi = seed.hi;
      point.lo = seed.lo;
      mix64(point);
      this.#lanes[2 * (from + nth)] = ((point.lo >>> MEMBER_BITS) << MEMBER_BITS) | member;
      this.#lanes[2 * (from + nth) + 1] = point.hi;
    }
    return from + count;
  }

  #firstAtOrAfter(hi: number, lo: number): number {
    const position = ((lo >>> MEMBER_BITS) << MEMBER_BITS) >>> 0;
    let low = 0;
    let high = this.#lanes.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const pointHi = this.#lanes[2 * middle + 1] ?? 0;
      const before = pointHi === hi ? (this.#lanes[2 * middle] ?? 0) < position : pointHi < hi;
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function pointsOf({ nodeId, weight }: PlacementMember, perWeight: number): number {
  assert(weight > 0 && Number.isFinite(weight), `weight of member ${nodeId} is a positive number`);
  return Math.min(MOST_POINTS, Math.max(1, Math.round(weight * perWeight)));
}

function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
