import type {
  PartitionDecision,
  PartitionTolerance,
  PartitionView,
} from "../../../../contract/index.ts";

/** Lets the majority go on: two sides of a partition cannot both have one. */
export class SamplePartitionTolerance implements PartitionTolerance {
  evaluate(view: PartitionView): PartitionDecision {
    if (view.alive.length * 2 > view.known.length) return { kind: "serve" };
    const reason = `only ${view.alive.length} of ${view.known.length} members can be reached`;
    return { kind: "partitioned", reason };
  }
}
