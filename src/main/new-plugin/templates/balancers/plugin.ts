import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleBalancer } from "./sample-balancer.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "balancer@1",
  name: "sample",
  stability: "experimental",
  doc: "Takes a random host among those that have credit.",
  options,
  create: (_config, host) => new SampleBalancer(host),
} satisfies Plugin<"balancer@1", Config>;
