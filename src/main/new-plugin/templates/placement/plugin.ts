import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SamplePlacement } from "./sample-placement.ts";

type Config = Record<string, never>;

const options: OptionDescriptors<Config> = {};

export default {
  contract: "placement@1",
  name: "sample",
  stability: "experimental",
  doc: "Rendezvous hashing with a small hash of its own.",
  options,
  create: () => new SamplePlacement(),
} satisfies Plugin<"placement@1", Config>;
