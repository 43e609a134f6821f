import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { StoreArbiterPartitionTolerance } from "./store-arbiter-partition-tolerance.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "partition-tolerance@1",
  name: "store-arbiter",
  stability: "beta",
  doc: "A node goes on as long as it reaches the shared store.",
  options,
  create: () => new StoreArbiterPartitionTolerance(),
} satisfies Plugin<"partition-tolerance@1", Config>;
