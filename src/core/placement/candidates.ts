import type { Placement } from "../../contract/index.ts";
import type { ActorId } from "../../domain/actor.ts";
import type { Demand } from "./fitness.ts";
import type { Pins } from "./pins.ts";
import type { DemandView, PassedOver, PlacementViews } from "./placement-views.ts";
import { spreadOverZones } from "./zones.ts";

/** Candidates that are looked at for one that is not full. */
const WALK = 4;

/** Whom an actor may be given to, with the reasons. */
export interface CandidateList {
  /** Version of the topology that the answer is of. */
  readonly version: number;
  /** The member that it is pinned to by hand and that is fit. */
  readonly pinned: string | undefined;
  /** In order of preference; the first is the one to try. */
  readonly candidates: readonly string[];
  /** Everybody else who is there. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Where actors belong. All answers are hints: the store decides who may commit. One instance per
 * system, because each may have its own placement.
 */
export class Candidates {
  readonly #placement: Placement;
  readonly #views: PlacementViews;
  readonly #pins: Pins;

  constructor(placement: Placement, views: PlacementViews, pins: Pins) {
    this.#placement = placement;
    this.#views = views;
    this.#pins = pins;
  }

  /**
   * True if a running actor that is not at its `owner` should be moved there. False for a placement
   * that decides once: there an actor stays where it was claimed.
   */
  get moves(): boolean {
    return this.#placement.decidedOnce !== true;
  }

  /**
   * The member where the actor belongs, whatever its load: what a running actor is compared with. A
   * suspect member still owns, so suspicion moves nothing. `undefined` if nobody is fit.
   */
  owner(actor: ActorId, demand: Demand): string | undefined {
    const known = this.#views.of(demand);
    return this.#pinned(actor, known) ?? this.#placement.owners(actor, known.view, 1)[0];
  }

  /**
   * The member to try for an actor that runs nowhere: the first that is not suspect, not unwell and
   * below the bound of 1.25 of its fair part, among four; the first of them if all four are full.
   */
  forNew(actor: ActorId, demand: Demand): string | undefined {
    const known = this.#views.of(demand);
    const pinned = this.#pinned(actor, known);
    if (pinned !== undefined && !known.keepOnly.has(pinned)) return pinned;
    const [first] = this.#placement.owners(actor, known.view, 1);
    if (first === undefined) return undefined;
    if (!known.keepOnly.has(first) && !known.full.has(first)) return first;
    return this.#walk(actor, known).chosen[0];
  }

  /** The same with everything that was passed over, and `count` candidates. */
  list(actor: ActorId, demand: Demand, count: number): CandidateList {
    const known = this.#views.of(demand);
    const pinned = this.#pinned(actor, known);
    const { chosen, full } = this.#walk(actor, known);
    const first = pinned !== undefined && !known.keepOnly.has(pinned) ? [pinned] : [];
    const candidates = [...first, ...chosen.filter((nodeId) => nodeId !== first[0])];
    const keeping = [...known.keepOnly].map(([nodeId, why]) => ({ nodeId, why }));
    return {
      version: this.#views.topology.version,
      pinned,
      candidates: candidates.slice(0, count),
      passedOver: [...full.filter(({ nodeId }) => nodeId !== first[0]), ...keeping, ...known.unfit],
    };
  }

  /**
   * The members for `count` copies of an actor, the owner first, spread over zones as far as there
   * are any. Suspect members are among them: a copy does not move on suspicion.
   */
  replicas(actor: ActorId, demand: Demand, count: number): readonly string[] {
    const known = this.#views.of(demand);
    const order = this.#placement.owners(actor, known.view, known.view.members.length);
    const pinned = this.#pinned(actor, known);
    const first = pinned === undefined ? [] : [pinned];
    const zones = new Map(
      this.#views.topology.members.map(({ member }) => [member.nodeId, member.zone]),
    );
    const whole = [...first, ...order.filter((nodeId) => nodeId !== pinned)];
    return spreadOverZones(whole, (nodeId) => zones.get(nodeId) ?? "", count);
  }

  #pinned(actor: ActorId, { view }: DemandView): string | undefined {
    const pinned = this.#pins.of(actor);
    if (pinned === undefined) return undefined;
    return view.members.some(({ nodeId }) => nodeId === pinned) ? pinned : undefined;
  }

  /** Everybody who takes new actors, those that are full behind; the first four alone are looked at. */
  #walk(
    actor: ActorId,
    known: DemandView,
  ): { readonly chosen: readonly string[]; readonly full: readonly PassedOver[] } {
    const order = this.#placement
      .owners(actor, known.view, known.view.members.length)
      .filter((nodeId) => !known.keepOnly.has(nodeId));
    const full: PassedOver[] = [];
    for (const nodeId of order.slice(0, WALK)) {
      const why = known.full.get(nodeId);
      if (why === undefined) break;
      full.push({ nodeId, why });
    }
    if (full.length === 0 || full.length === Math.min(WALK, order.length)) {
      return { chosen: order, full: [] };
    }
    return { chosen: order.slice(full.length), full };
  }
}
