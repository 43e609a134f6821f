import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { StaticDiscovery } from "./static-discovery.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "discovery@1",
  name: "static",
  stability: "beta",
  doc: "The members that the setting `seeds` names.",
  options,
  create: (_config, host) => new StaticDiscovery(host),
} satisfies Plugin<"discovery@1", Config>;
