import type { ActorId, Placement, PlacementView } from "../../../src/contract/index.ts";
import { RendezvousPlacement } from "../rendezvous/rendezvous-placement.ts";
import type { Guide } from "./guide.ts";

/** What becomes of an actor whose mapped members are not there. */
export type GuidedFallback = "rendezvous" | "none";

/**
 * Places by a map. After the mapped members that are there come, with the fallback, all others by
 * rendezvous hashing. The map belongs to the configuration, so a member that returns is mapped again.
 */
export class GuidedPlacement implements Placement {
  readonly #guide: Guide;
  readonly #fallback: GuidedFallback;
  readonly #rendezvous: RendezvousPlacement;

  constructor(guide: Guide, fallback: GuidedFallback, slotsAbove: number) {
    this.#guide = guide;
    this.#fallback = fallback;
    this.#rendezvous = new RendezvousPlacement({ slotsAbove });
  }

  owners(actor: ActorId, view: PlacementView, count: number): readonly string[] {
    const mapped = this.#guide.find(actor);
    if (mapped === undefined) {
      return this.#fallback === "none" ? [] : this.#rendezvous.owners(actor, view, count);
    }
    const there = mapped.filter((nodeId) => view.members.some((each) => each.nodeId === nodeId));
    if (this.#fallback === "none" || there.length >= count) return there.slice(0, count);
    const others = this.#rendezvous.owners(actor, view, count + there.length);
    return [...there, ...others.filter((nodeId) => !there.includes(nodeId))].slice(0, count);
  }
}
