import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { LeastLoadedPlacement } from "./least-loaded-placement.ts";

interface Config {
  readonly preference: number;
  readonly lagFull: number;
  readonly memoryFull: number;
  readonly lagPart: number;
  readonly activationsPart: number;
  readonly memoryPart: number;
}

const part = (value: number, what: string) =>
  ({
    type: "number",
    default: value,
    min: 0,
    max: 1,
    doc: `How much ${what} counts beside the other parts.`,
  }) as const;

const options: OptionDescriptors<Config> = {
  preference: {
    type: "integer",
    default: 3,
    min: 1,
    max: 6,
    doc: "How much the less loaded are preferred; 1 shares actors out by free capacity.",
  },
  lagFull: {
    type: "duration",
    default: 250,
    min: 1,
    doc: "Lag of the event loop at which a member counts as full.",
  },
  memoryFull: {
    type: "size",
    default: 4 * 1024 ** 3,
    min: 1024 ** 2,
    doc: "Resident memory at which a member counts as full.",
  },
  lagPart: part(0.5, "the lag"),
  activationsPart: part(0.3, "the number of activations"),
  memoryPart: part(0.2, "the memory"),
};

export default {
  contract: "placement@1",
  name: "least-loaded",
  stability: "beta",
  doc: "New actors go where most is free, by the members' own figures; nothing moves because of them.",
  options,
  create: ({ preference, lagFull, memoryFull, ...parts }, host) => {
    if (parts.lagPart + parts.activationsPart + parts.memoryPart === 0) {
      throw host.error("request.invalid", "one of the three parts must count", "not_started");
    }
    const scale = { lagFullMs: lagFull, memoryFullBytes: memoryFull, ...parts };
    return new LeastLoadedPlacement(scale, preference);
  },
} satisfies Plugin<"placement@1", Config>;
