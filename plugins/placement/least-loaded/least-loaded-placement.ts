import type { ActorId, Placement, PlacementView } from "../../../src/contract/index.ts";
import { ActorHash } from "../kit/actor-hash.ts";
import { RankedMembers } from "../kit/ranked-members.ts";
import { freeSteps, type LoadScale } from "./free-capacity.ts";

/** Views whose ranking is kept. */
const KEPT = 4;

/**
 * Weighted rendezvous hashing in which a member counts by its weight times a power of what is free of
 * it. Most actors go to the least loaded, and yet not all of them to one: figures are seconds old,
 * and a rush to whoever was empty then would fill it. Decided once, by the claim.
 */
export class LeastLoadedPlacement implements Placement {
  readonly decidedOnce = true;
  readonly #scale: LoadScale;
  readonly #preference: number;
  readonly #hash = new ActorHash();
  readonly #ranked = new Map<PlacementView, RankedMembers>();

  /** `preference`: the power; 1 shares out by free capacity, more prefers the less loaded more. */
  constructor(scale: LoadScale, preference: number) {
    this.#scale = scale;
    this.#preference = preference;
  }

  owners(actor: ActorId, view: PlacementView, count: number): readonly string[] {
    const members = this.#membersOf(view);
    const key = this.#hash.of(actor);
    if (count !== 1) return members.order(key, count);
    const first = members.first(key);
    return first < 0 ? [] : [members.nodeId(first)];
  }

  #membersOf(view: PlacementView): RankedMembers {
    const known = this.#ranked.get(view);
    if (known !== undefined) return known;
    const steps = freeSteps(view, this.#scale);
    const ranked = new RankedMembers(
      view.members.map((each, at) => ({
        ...each,
        weight: each.weight * (steps[at] ?? 1) ** this.#preference,
      })),
    );
    this.#ranked.set(view, ranked);
    const [oldest] = this.#ranked.keys();
    if (this.#ranked.size > KEPT && oldest !== undefined) this.#ranked.delete(oldest);
    return ranked;
  }
}
