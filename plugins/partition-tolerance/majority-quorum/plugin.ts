import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { MajorityQuorumPartitionTolerance } from "./majority-quorum-partition-tolerance.ts";

interface Config {
  readonly initialClusterSize: number;
  readonly trackMaxSize: boolean;
}

const options: OptionDescriptors<Config> = {
  initialClusterSize: {
    type: "integer",
    default: 1,
    min: 1,
    max: 100_000,
    doc: "Size that the cluster has at least; a node alone waits until more than half are there.",
  },
  trackMaxSize: {
    type: "boolean",
    default: true,
    doc: "The largest size ever seen counts, and is remembered over restarts.",
  },
};

export default {
  contract: "partition-tolerance@1",
  name: "majority-quorum",
  stability: "beta",
  doc: "The side with more than half of the largest cluster ever seen goes on.",
  options,
  create: (config, host) => new MajorityQuorumPartitionTolerance(config, host),
} satisfies Plugin<"partition-tolerance@1", Config>;
