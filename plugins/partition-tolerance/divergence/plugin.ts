import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { DivergencePartitionTolerance } from "./divergence-partition-tolerance.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "partition-tolerance@1",
  name: "divergence",
  stability: "beta",
  doc: "Every side of a partition goes on; for clusters without a shared store.",
  options,
  create: () => new DivergencePartitionTolerance(),
} satisfies Plugin<"partition-tolerance@1", Config>;
