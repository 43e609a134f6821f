import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { CronActivator, type CronConfig } from "./cron-activator.ts";

const options: OptionDescriptors<CronConfig> = {
  schedule: { type: "string", doc: "Cron text of five fields, or six with seconds in front." },
  timeZone: {
    type: "string",
    default: "UTC",
    doc: "Name of the time zone that the schedule means, such as Europe/Berlin.",
  },
  actor: { type: "string", doc: "The actor to call: type/key or system/type/key." },
  system: { type: "string", default: "default", doc: "System of an actor given as type/key." },
  action: { type: "string", doc: "The action to call." },
  payload: { type: "string", default: "", doc: "JSON text to call it with; empty for none." },
  missed: {
    type: "string",
    default: "fire_once",
    values: ["fire_once", "skip"],
    doc: "What becomes of fires that nobody made in time: one for all of them, or none.",
  },
  timeout: {
    type: "duration",
    default: 30_000,
    min: 1,
    max: 3_600_000,
    doc: "How long one call may take before it is repeated.",
  },
};

export default {
  contract: "activator@1",
  name: "cron",
  stability: "beta",
  doc: "Calls an actor by a cron schedule, once in the cluster.",
  options,
  create: (config, host) => new CronActivator(config, host),
} satisfies Plugin<"activator@1", CronConfig>;
