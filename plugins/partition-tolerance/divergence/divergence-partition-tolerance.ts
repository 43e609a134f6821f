import type { PartitionDecision, PartitionTolerance } from "../../../src/contract/index.ts";

/** Never stops: each side goes on with the actors it can reach. */
export class DivergencePartitionTolerance implements PartitionTolerance {
  evaluate(): PartitionDecision {
    return { kind: "serve" };
  }
}
