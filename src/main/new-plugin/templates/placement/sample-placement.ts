import type { ActorId, Placement, PlacementView } from "../../../../contract/index.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** One more than the highest 32-bit hash. */
const HASHES = 2 ** 32;

/** FNV-1a over UTF-16 units, then the finaliser of MurmurHash3, which spreads near texts apart. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), FNV_PRIME);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/**
 * Weighted rendezvous hashing: every member draws a number for the actor, the highest owns it. A
 * member that leaves takes only its own actors with it, because nobody else's number changes.
 */
export class SamplePlacement implements Placement {
  owners(actor: ActorId, view: PlacementView, count: number): readonly string[] {
    // A character that no name holds keeps type and key apart.
    const name = hash(`${actor.type}\u0000${actor.key}`, FNV_OFFSET);
    return view.members
      .map(({ nodeId, weight }) => {
        const unit = (hash(nodeId, name) + 0.5) / HASHES;
        return { nodeId, score: -weight / Math.log(unit) };
      })
      .sort((a, b) => b.score - a.score || (a.nodeId < b.nodeId ? -1 : 1))
      .slice(0, count)
      .map(({ nodeId }) => nodeId);
  }
}
