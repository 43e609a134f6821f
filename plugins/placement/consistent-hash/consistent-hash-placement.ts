import type {
  ActorId,
  Placement,
  PlacementMember,
  PlacementView,
} from "../../../src/contract/index.ts";
import { ActorHash } from "../kit/actor-hash.ts";
import { HashRing } from "./hash-ring.ts";

/**
 * A ring with virtual nodes (Karger et al. 1997), version 1 of the definition, frozen by the vectors
 * of its test. The n-th point of a member, from 1, and the place of an actor are
 *
 *     mix64(xxHash64(nodeId) + n · 0x9e3779b97f4a7c15)      xxHash64(type ‖ 0x00 ‖ key)
 *
 * of which the upper 48 bits count; a member has `virtualNodes` × weight points, at most 65,536. The
 * owners are the distinct members met clockwise from the actor's place, itself included; points at
 * one position come in the order of the bytes of the node id. The system takes no part.
 */
export class ConsistentHashPlacement implements Placement {
  readonly #virtualNodes: number;
  readonly #hash = new ActorHash();
  /** Lives as long as the node keeps the members, so it needs no bound of its own. */
  readonly #rings = new WeakMap<readonly PlacementMember[], HashRing>();

  constructor(config: { readonly virtualNodes: number }) {
    this.#virtualNodes = config.virtualNodes;
  }

  owners(actor: ActorId, { members }: PlacementView, count: number): readonly string[] {
    let ring = this.#rings.get(members);
    if (ring === undefined) {
      ring = new HashRing(members, this.#virtualNodes);
      this.#rings.set(members, ring);
    }
    return ring.owners(this.#hash.of(actor), count);
  }
}
