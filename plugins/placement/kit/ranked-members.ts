import type { PlacementMember } from "../../../src/contract/index.ts";
import { assert } from "../../../src/std/assert.ts";
import { mix64 } from "../../../src/std/hash/mix64.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";
import { xxHash64 } from "../../../src/std/hash/xx-hash64.ts";
import { memberHash, weightedScore } from "./rendezvous-score.ts";

/** A member with all of its score that does not change with the key. */
interface Contender {
  readonly nodeId: string;
  readonly idBytes: Uint8Array;
  readonly weight: number;
  readonly mixed: U64;
}

/** A contender with what it reaches for one key. */
interface Ranked {
  readonly contender: Contender;
  readonly hi: number;
  readonly lo: number;
  readonly score: number;
}

/** How one set of members came out of another. */
interface Succession {
  /** Index of each member of old in the new set; -1 if it is gone or its weight has changed. */
  readonly nowAt: Int32Array;
  /** Indexes of the members that are new, or have another weight. */
  readonly newcomers: readonly number[];
}

/** A set of members, ready to be ranked for any key. */
export class RankedMembers {
  readonly #contenders: readonly Contender[];
  readonly #everyone: readonly number[];
  /** With equal weights the 64-bit hash itself gives the order, and no logarithm is needed. */
  readonly #equalWeights: boolean;
  readonly #hash: U64 = { hi: 0, lo: 0 };

  constructor(members: readonly PlacementMember[]) {
    this.#contenders = members.map(contender);
    this.#everyone = members.map((_, at) => at);
    this.#equalWeights = members.every((each) => each.weight === members[0]?.weight);
  }

  get size(): number {
    return this.#contenders.length;
  }

  nodeId(index: number): string {
    return this.#contenders[index]?.nodeId ?? "";
  }

  /** The index of the first member for `key`, or -1 if there is none. */
  first(key: U64): number {
    return this.firstOf(key, -1, this.#everyone);
  }

  /** The index of the first for `key` of the member `one` (-1 for none) and of `others`. */
  firstOf(key: U64, one: number, others: readonly number[]): number {
    let bestAt = -1;
    let best: Ranked | undefined;
    for (let nth = one < 0 ? 0 : -1; nth < others.length; nth += 1) {
      const at = nth < 0 ? one : (others[nth] ?? -1);
      const next = this.#contenders[at];
      if (next === undefined) continue;
      memberHash(key, next.mixed, this.#hash);
      // Most contenders lose by the high lane alone: no object is made for them.
      if (this.#equalWeights && best !== undefined && this.#hash.hi >>> 0 < best.hi) continue;
      const ranked = this.#rank(next);
      if (best !== undefined && this.#compare(ranked, best) > 0) continue;
      best = ranked;
      bestAt = at;
    }
    return bestAt;
  }

  /** The first `count` members for `key`, best first. */
  order(key: U64, count: number): readonly string[] {
    const ranked = this.#contenders.map((each) => {
      memberHash(key, each.mixed, this.#hash);
      return this.#rank(each);
    });
    ranked.sort((a, b) => this.#compare(a, b));
    return ranked.slice(0, count).map((each) => each.contender.nodeId);
  }

  /** How these members came out of `before`; `undefined` if the two are not ranked alike. */
  since(before: RankedMembers): Succession | undefined {
    if (before.#equalWeights !== this.#equalWeights) return undefined;
    const oldAt = new Map(before.#contenders.map((each, at) => [each.nodeId, at]));
    const nowAt = new Int32Array(before.size).fill(-1);
    const newcomers: number[] = [];
    this.#contenders.forEach(({ nodeId, weight }, at) => {
      const old = oldAt.get(nodeId);
      if (old !== undefined && before.#contenders[old]?.weight === weight) nowAt[old] = at;
      else newcomers.push(at);
    });
    return { nowAt, newcomers };
  }

  #rank(next: Contender): Ranked {
    const hi = this.#hash.hi >>> 0;
    const lo = this.#hash.lo >>> 0;
    const score = this.#equalWeights ? 0 : weightedScore(this.#hash, next.weight);
    return { contender: next, hi, lo, score };
  }

  /** Negative if `a` comes first. A tie goes by the bytes of the node id. */
  #compare(a: Ranked, b: Ranked): number {
    if (this.#equalWeights) {
      if (a.hi !== b.hi) return b.hi - a.hi;
      if (a.lo !== b.lo) return b.lo - a.lo;
    } else if (a.score !== b.score) return b.score > a.score ? 1 : -1;
    return Buffer.compare(a.contender.idBytes, b.contender.idBytes);
  }
}

function contender(member: PlacementMember): Contender {
  const { nodeId, weight } = member;
  assert(weight > 0 && Number.isFinite(weight), `weight of member ${nodeId} is a positive number`);
  const idBytes = new TextEncoder().encode(nodeId);
  const mixed = xxHash64(idBytes);
  mix64(mixed);
  return { nodeId, idBytes, weight, mixed };
}
