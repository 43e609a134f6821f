import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { StoreDiscovery } from "./store-discovery.ts";

interface Config {
  readonly timeout: number;
}

const options: OptionDescriptors<Config> = {
  timeout: {
    type: "duration",
    default: 5_000,
    min: 1,
    doc: "Longest wait for the statestore.",
  },
};

export default {
  contract: "discovery@1",
  name: "store",
  stability: "beta",
  doc: "The members that hold a session in the statestore that all share.",
  options,
  create: (config, host) => new StoreDiscovery(config, host),
} satisfies Plugin<"discovery@1", Config>;
