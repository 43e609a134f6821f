import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { DynamicQuorumPartitionTolerance } from "./dynamic-quorum-partition-tolerance.ts";

interface Config {
  readonly percent: number;
  readonly threshold: number;
}

const options: OptionDescriptors<Config> = {
  percent: {
    type: "integer",
    min: 1,
    max: 100,
    doc: "How many of the members that were there lately have to be there, in percent.",
  },
  threshold: {
    type: "duration",
    default: 30_000,
    min: 1,
    doc: "How long a member that went counts as one that was there lately.",
  },
};

export default {
  contract: "partition-tolerance@1",
  name: "dynamic-quorum",
  stability: "beta",
  doc: "A side goes on unless it lost too large a part of its members in a short time.",
  options,
  create: (config, host) => new DynamicQuorumPartitionTolerance(config, host),
} satisfies Plugin<"partition-tolerance@1", Config>;
