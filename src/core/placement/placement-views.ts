import type { PlacementMember, PlacementView } from "../../contract/index.ts";
import type { MemberLoad, ProtocolRange } from "../../domain/member.ts";
import { EMPTY_TOPOLOGY, type Topology, type TopologyMember } from "../../domain/topology.ts";
import { type Demand, type Unfit, unfitForNew, unfitToOwn } from "./fitness.ts";
import { fullMembers } from "./load-bound.ts";

/** A member that is passed over, and why. */
export interface PassedOver {
  readonly nodeId: string;
  readonly why: Unfit;
}

/** Who may own the actors of one demand. */
export interface DemandView {
  readonly demand: Demand;
  readonly view: PlacementView;
  /** Members that are not in the view. */
  readonly unfit: readonly PassedOver[];
  /** Members of the view that take nothing new. */
  readonly keepOnly: ReadonlyMap<string, Unfit>;
  /** Members of the view that take nothing new as long as another candidate has room. */
  readonly full: ReadonlyMap<string, Unfit>;
}

/** Demands whose view is kept; the one that was not asked for longest goes. */
const KEPT = 1_024;

/**
 * The members that placement may choose from, per demand. An unchanged choice keeps its array of
 * members over topologies, so that a placement's own tables live on.
 */
export class PlacementViews {
  readonly #speaks: ProtocolRange;
  readonly #views = new Map<string, DemandView>();
  #topology: Topology = EMPTY_TOPOLOGY;
  #loads: ReadonlyMap<string, MemberLoad> | undefined;
  #version = 0;

  /** `speaks`: the versions of the peer protocol that this node speaks. */
  constructor(speaks: ProtocolRange) {
    this.#speaks = speaks;
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** The members have changed. */
  use(topology: Topology): void {
    this.#topology = topology;
    this.#version += 1;
  }

  /** Figures of load have come; a map once given is not changed by its giver. */
  useLoads(loads: ReadonlyMap<string, MemberLoad>): void {
    this.#loads = loads;
    this.#version += 1;
  }

  /** Who may own actors of the demand now. */
  of(demand: Demand): DemandView {
    const known = this.#views.get(demand.typePath);
    const sameDemand = known !== undefined && sameTexts(known.demand.requires, demand.requires);
    if (sameDemand && known.view.version === this.#version) return known;
    const made = this.#made(demand, sameDemand ? known.view.members : undefined);
    this.#views.delete(demand.typePath);
    this.#views.set(demand.typePath, made);
    const [oldest] = this.#views.keys();
    if (this.#views.size > KEPT && oldest !== undefined) this.#views.delete(oldest);
    return made;
  }

  #made(demand: Demand, before: readonly PlacementMember[] | undefined): DemandView {
    const { fit, unfit } = fitMembers(this.#topology, demand, this.#speaks);
    const keepOnly = new Map<string, Unfit>();
    for (const each of fit) {
      const why = unfitForNew(each);
      if (why !== undefined) keepOnly.set(each.member.nodeId, why);
    }
    const members = reuse(before, fit.map(placementMember));
    const view = { version: this.#version, members, ...(this.#loads && { loads: this.#loads }) };
    return { demand, view, unfit, keepOnly, full: fullMembers(view) };
  }
}

/** Who of a topology may own actors of the demand, and who may not. */
export function fitMembers(
  topology: Topology,
  demand: Demand,
  speaks: ProtocolRange,
): { readonly fit: readonly TopologyMember[]; readonly unfit: readonly PassedOver[] } {
  const unfit: PassedOver[] = [];
  const fit: TopologyMember[] = [];
  for (const each of topology.members) {
    const why = unfitToOwn(each, demand, speaks);
    if (why === undefined) fit.push(each);
    else unfit.push({ nodeId: each.member.nodeId, why });
  }
  const settled = fit.filter((each) => each.settled);
  // Where nobody has settled somebody has to begin.
  if (settled.length === 0) return { fit, unfit };
  for (const { member, settled: isSettled } of fit) {
    if (!isSettled) unfit.push({ nodeId: member.nodeId, why: { kind: "not-settled" } });
  }
  return { fit: settled, unfit };
}

function placementMember({ member }: TopologyMember): PlacementMember {
  return { nodeId: member.nodeId, weight: member.weight, tags: member.tags };
}

/** The array from before, if nothing of it has changed. */
function reuse(
  before: readonly PlacementMember[] | undefined,
  now: readonly PlacementMember[],
): readonly PlacementMember[] {
  const same =
    before?.length === now.length &&
    before.every((each, at) => {
      const other = now[at];
      return (
        other !== undefined &&
        other.nodeId === each.nodeId &&
        other.weight === each.weight &&
        sameTexts(other.tags, each.tags)
      );
    });
  return same ? before : now;
}

function sameTexts(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
