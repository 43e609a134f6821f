import type { MemberLoad, PlacementMember, PlacementView } from "../../../src/contract/index.ts";

/** What counts as full, and how much each figure counts. */
export interface LoadScale {
  /** A lag of the event loop that counts as full. */
  readonly lagFullMs: number;
  /** Resident memory that counts as full. */
  readonly memoryFullBytes: number;
  readonly lagPart: number;
  readonly activationsPart: number;
  readonly memoryPart: number;
}

/** Free capacity is counted in steps, so that no rounding of an engine can matter. */
const STEPS = 64;
/** Even the fullest member keeps a tenth, or figures that are late would starve it. */
const LEAST_STEPS = 7;
/** Differences among so few activations are chance. */
const FEW_ACTIVATIONS = 100;

/**
 * How much of each member is free, in whole steps of 7 to 64. Activations count by the fullest member
 * for its weight. A member that has not said how loaded it is counts as the others' mean.
 */
export function freeSteps(view: PlacementView, scale: LoadScale): readonly number[] {
  const loads = view.members.map((each) => view.loads?.get(each.nodeId));
  const fullest = view.members.reduce((most, each, at) => {
    const activations = loads[at]?.activations ?? 0;
    return Number.isFinite(activations) ? Math.max(most, activations / each.weight) : most;
  }, FEW_ACTIVATIONS);
  const free = loads.map((load, at) => load && freeOf(load, view.members[at], fullest, scale));
  const known = free.filter((each) => each !== undefined);
  const mean =
    known.length === 0
      ? STEPS
      : Math.round(known.reduce((sum, each) => sum + each, 0) / known.length);
  return free.map((each) => each ?? mean);
}

function freeOf(
  load: MemberLoad,
  member: PlacementMember | undefined,
  fullest: number,
  scale: LoadScale,
): number {
  const parts = scale.lagPart + scale.activationsPart + scale.memoryPart;
  const used =
    scale.lagPart * portion(load.loopLagMs, scale.lagFullMs) +
    scale.activationsPart * portion(load.activations, fullest * (member?.weight ?? 1)) +
    scale.memoryPart * portion(load.residentBytes, scale.memoryFullBytes);
  return Math.max(LEAST_STEPS, Math.round(STEPS * (1 - used / parts)));
}

/** `value` as part of `full`, 0 to 1; what is no number counts as full. */
function portion(value: number, full: number): number {
  return value >= 0 && Number.isFinite(value) ? Math.min(1, value / full) : 1;
}
