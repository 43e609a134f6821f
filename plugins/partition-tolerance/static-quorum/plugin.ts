import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { StaticQuorumPartitionTolerance } from "./static-quorum-partition-tolerance.ts";

interface Config {
  readonly size: number;
  readonly startupConfirm: boolean;
}

const options: OptionDescriptors<Config> = {
  size: {
    type: "integer",
    min: 1,
    max: 100_000,
    doc: "Members that have to be there, this node included.",
  },
  startupConfirm: {
    type: "boolean",
    default: false,
    doc: "A node that starts with fewer members waits for the rest before it serves.",
  },
};

export default {
  contract: "partition-tolerance@1",
  name: "static-quorum",
  stability: "beta",
  doc: "A side with a fixed number of members goes on.",
  options,
  create: (config) => new StaticQuorumPartitionTolerance(config),
} satisfies Plugin<"partition-tolerance@1", Config>;
