import type { PlacementMember, PlacementView } from "../../../src/contract/index.ts";
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

/** The members of one view, ready to be ranked for any key. */
export class RankedMembers {
  readonly #contenders: readonly Contender[];
  /** With equal weights the 64-bit hash itself gives the order, and no logarithm is needed. */
  readonly #equalWeights: boolean;
  readonly #hash: U64 = { hi: 0, lo: 0 };

  constructor(view: PlacementView) {
    this.#contenders = view.members.map(contender);
    this.#equalWeights = view.members.every((each) => each.weight === view.members[0]?.weight);
  }

  get size(): number {
    return this.#contenders.length;
  }

  nodeId(index: number): string {
    return this.#contenders[index]?.nodeId ?? "";
  }

  /** The index of the first member for `key`, or -1 if there is none. */
  first(key: U64): number {
    let best: Ranked | undefined;
    let bestAt = -1;
    for (let at = 0; at < this.#contenders.length; at += 1) {
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
