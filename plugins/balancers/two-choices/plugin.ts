import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { TwoChoicesBalancer } from "./two-choices-balancer.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "balancer@1",
  name: "two-choices",
  stability: "beta",
  doc: "Draws two hosts at random and takes the less loaded one.",
  options,
  create: (_config, host) => new TwoChoicesBalancer(host),
} satisfies Plugin<"balancer@1", Config>;
