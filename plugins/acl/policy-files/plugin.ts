import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { PolicyFilesAccessPolicy } from "./policy-files-access-policy.ts";

interface Config {
  readonly paths: readonly string[];
}

const options: OptionDescriptors<Config> = {
  paths: {
    type: "list",
    doc: "Policy files (.yaml, .yml, .json, or Spawn's .policy) and folders of them; reloaded when they change.",
  },
};

export default {
  contract: "acl@1",
  name: "policy-files",
  stability: "beta",
  doc: "Rules from files: deny wins, and what no rule allows is denied.",
  options,
  create: (config, host) => new PolicyFilesAccessPolicy(config, host),
} satisfies Plugin<"acl@1", Config>;
