import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SamplePartitionTolerance } from "./sample-partition-tolerance.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "partition-tolerance@1",
  name: "sample",
  stability: "experimental",
  doc: "The side with more than half of the known members goes on.",
  options,
  create: () => new SamplePartitionTolerance(),
} satisfies Plugin<"partition-tolerance@1", Config>;
