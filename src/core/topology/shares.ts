import type { ProtocolRange } from "../../domain/member.ts";
import type { Topology } from "../../domain/topology.ts";
import type { Demand } from "../placement/fitness.ts";
import { fitMembers } from "../placement/placement-views.ts";

/** How much more than the ideal a redistribution may move. */
const SLACK = 1.2;

/** The part of all actors of a demand that a member should have, by its weight; 0 to 1. */
export function shareOf(
  nodeId: string,
  demand: Demand,
  topology: Topology,
  speaks: ProtocolRange,
): number {
  const { fit } = fitMembers(topology, demand, speaks);
  const total = fit.reduce((sum, { member }) => sum + member.weight, 0);
  const own = fit.find(({ member }) => member.nodeId === nodeId)?.member.weight ?? 0;
  return total === 0 ? 0 : own / total;
}

/**
 * How many of its `local` actors a member may give away when its share changes: 1.2 of what the ideal
 * is, and none if its share has grown.
 */
export function moveLimit(local: number, shareBefore: number, shareAfter: number): number {
  if (shareBefore <= 0) return local;
  const ideal = local * Math.max(0, 1 - shareAfter / shareBefore);
  return Math.min(local, Math.ceil(ideal * SLACK));
}
