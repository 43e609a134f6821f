import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { WeightedRandomBalancer } from "./random-balancer.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "balancer@1",
  name: "random",
  stability: "beta",
  doc: "Draws a host at random, in proportion to its weight.",
  options,
  create: (_config, host) => new WeightedRandomBalancer(host),
} satisfies Plugin<"balancer@1", Config>;
