import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { RoundRobinBalancer } from "./round-robin-balancer.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "balancer@1",
  name: "round-robin",
  stability: "beta",
  doc: "Takes the hosts of a type in turn, in proportion to their weight.",
  options,
  create: () => new RoundRobinBalancer(),
} satisfies Plugin<"balancer@1", Config>;
