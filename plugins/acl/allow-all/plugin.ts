import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { AllowAllAccessPolicy } from "./allow-all-access-policy.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "acl@1",
  name: "allow-all",
  stability: "beta",
  doc: "Everyone may do everything; the default on loopback only.",
  options,
  create: () => new AllowAllAccessPolicy(),
} satisfies Plugin<"acl@1", Config>;
