import type {
  PartitionDecision,
  PartitionTolerance,
  PartitionView,
} from "../../../src/contract/index.ts";

/** Lets the shared store decide: whoever reaches it works. Without a shared store everyone does. */
export class StoreArbiterPartitionTolerance implements PartitionTolerance {
  evaluate(view: PartitionView): PartitionDecision {
    if (view.storeReachable === false) {
      return { kind: "partitioned", reason: "the shared store cannot be reached" };
    }
    return { kind: "serve" };
  }
}
