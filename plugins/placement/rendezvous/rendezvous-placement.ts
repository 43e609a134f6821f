import type { ActorId, Placement, PlacementView } from "../../../src/contract/index.ts";
import { assert } from "../../../src/std/assert.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";
import { xxHash64 } from "../../../src/std/hash/xx-hash64.ts";
import { type OwnerTable, ownerTable } from "./owner-table.ts";

/** Room for the longest type, the separator and the longest key. */
const BUFFER_BYTES = 63 + 1 + 255;

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
  readonly #slotsAbove: number;
  /** Lives as long as the node keeps the view, so it needs no bound of its own. */
  readonly #tables = new WeakMap<PlacementView, OwnerTable>();
  readonly #encoder = new TextEncoder();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #key: U64 = { hi: 0, lo: 0 };
  #lastView: PlacementView | undefined;
  #lastTable: OwnerTable | undefined;

  constructor(config: { readonly slotsAbove: number }) {
    this.#slotsAbove = config.slotsAbove;
  }

  owners(actor: ActorId, view: PlacementView, count: number): readonly string[] {
    const table = this.#tableOf(view);
    const typeBytes = this.#encoder.encodeInto(actor.type, this.#buffer).written;
    this.#buffer[typeBytes] = 0;
    const keyRoom = this.#buffer.subarray(typeBytes + 1);
    const { read, written } = this.#encoder.encodeInto(actor.key, keyRoom);
    assert(read === actor.key.length, "an actor's type and key are within their limits");
    xxHash64(this.#buffer, typeBytes + 1 + written, 0, this.#key);
    return table.owners(this.#key, count);
  }

  #tableOf(view: PlacementView): OwnerTable {
    if (view === this.#lastView && this.#lastTable !== undefined) return this.#lastTable;
    const table = this.#tables.get(view) ?? ownerTable(view, this.#slotsAbove);
    this.#tables.set(view, table);
    this.#lastView = view;
    this.#lastTable = table;
    return table;
  }
}
