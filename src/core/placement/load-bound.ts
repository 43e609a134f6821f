import type { PlacementView } from "../../contract/index.ts";
import type { Unfit } from "./fitness.ts";

/** How far above its fair part a member may be and still be given new actors. */
const BOUND = 1.25;

/**
 * The members that take no new activation because others have more room. A member that has not said
 * how loaded it is counts neither way.
 */
export function fullMembers({ members, loads }: PlacementView): ReadonlyMap<string, Unfit> {
  const full = new Map<string, Unfit>();
  if (loads === undefined) return full;
  let total = 0;
  let weights = 0;
  for (const { nodeId, weight } of members) {
    const load = loads.get(nodeId);
    if (load === undefined) continue;
    total += load.activations;
    weights += weight;
  }
  for (const { nodeId, weight } of members) {
    const activations = loads.get(nodeId)?.activations;
    if (activations === undefined) continue;
    const bound = Math.ceil((BOUND * (total + 1) * weight) / weights);
    if (activations >= bound) full.set(nodeId, { kind: "full", activations, bound });
  }
  return full;
}
