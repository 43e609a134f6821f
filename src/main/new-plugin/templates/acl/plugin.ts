import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleAccessPolicy } from "./sample-access-policy.ts";

interface Config {
  readonly callers: readonly string[];
}

const options: OptionDescriptors<Config> = {
  callers: { type: "list", default: [], doc: "Ids of the callers that may do everything." },
};

export default {
  contract: "acl@1",
  name: "sample",
  stability: "experimental",
  doc: "A list of callers may do everything, others nothing.",
  options,
  create: (config) => new SampleAccessPolicy(config.callers),
} satisfies Plugin<"acl@1", Config>;
