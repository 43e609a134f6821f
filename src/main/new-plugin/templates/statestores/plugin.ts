import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleStatestore } from "./sample-statestore.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "statestore@1",
  name: "sample",
  stability: "experimental",
  doc: "Keeps states in the memory of the process.",
  options,
  create: (_config, host) => new SampleStatestore(host),
} satisfies Plugin<"statestore@1", Config>;
