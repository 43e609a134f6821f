import type { ActorId, Placement, PlacementView } from "../../../src/contract/index.ts";
import { ActorHash } from "../kit/actor-hash.ts";
import { OwnerTables } from "../kit/owner-table.ts";

/**
 * Weighted rendezvous hashing (Thaler, Ravishankar 1998), version 1 of the definition, frozen by
 * the vectors of its test:
 *
 *     k = xxHash64(type ‖ 0x00 ‖ key)            UTF-8, seed 0
 *     h = mix64(k ⊕ mix64(xxHash64(nodeId)))     mix64: finaliser of SplitMix64
 *     score = −weight / ln((h >>> 11 + ½) / 2⁵³)
 *
 * Members are ordered by score, the greatest first, then by the bytes of the node id. Above
 * `slotsAbove` members `mix64((k mod 65536) + 1)` takes the place of k. The system takes no part.
 */
export class RendezvousPlacement implements Placement {
  readonly #tables: OwnerTables;
  readonly #hash = new ActorHash();

  constructor(config: { readonly slotsAbove: number }) {
    this.#tables = new OwnerTables(config.slotsAbove);
  }

  owners(actor: ActorId, view: PlacementView, count: number): readonly string[] {
    return this.#tables.of(view).owners(this.#hash.of(actor), count);
  }
}
