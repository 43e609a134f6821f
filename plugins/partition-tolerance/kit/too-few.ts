import type { PartitionDecision } from "../../../src/contract/index.ts";

/** This side stops, because too few members can be reached. */
export function tooFew(alive: number, wanted: string): PartitionDecision {
  const reach = alive === 1 ? "1 member can be reached" : `${alive} members can be reached`;
  return { kind: "partitioned", reason: `${reach}, and ${wanted}` };
}
