import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { LocalFirstBalancer } from "./local-first-balancer.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "balancer@1",
  name: "local-first",
  stability: "beta",
  doc: "Prefers hosts of this node, then the less loaded of two others.",
  options,
  create: (_config, host) => new LocalFirstBalancer(host),
} satisfies Plugin<"balancer@1", Config>;
