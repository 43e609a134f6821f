import type { OptionDescriptors, Plugin } from "../../../../contract/index.ts";
import { SampleActivator, type SampleConfig } from "./sample-activator.ts";

const options: OptionDescriptors<SampleConfig> = {
  actor: { type: "string", default: "clock/main", doc: "Actor that is called, `type/key`." },
  action: { type: "string", default: "tick", doc: "Action that is invoked." },
  interval: { type: "duration", default: 1000, min: 10, doc: "Time between two calls." },
};

export default {
  contract: "activator@1",
  name: "sample",
  stability: "experimental",
  doc: "Calls an actor at a fixed interval, once in the cluster.",
  options,
  create: (config, host) => new SampleActivator(config, host),
} satisfies Plugin<"activator@1", SampleConfig>;
