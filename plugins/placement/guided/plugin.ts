import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { readGuide } from "./guide.ts";
import { GuidedPlacement, type GuidedFallback } from "./guided-placement.ts";

interface Config {
  readonly map: Readonly<Record<string, string>>;
  readonly fallback: GuidedFallback;
  readonly slotsAbove: number;
}

const options: OptionDescriptors<Config> = {
  map: {
    type: "map",
    doc: "Which members own which actors: `system/type/key=node|node`; a name may end in `*`. The same on every node.",
  },
  fallback: {
    type: "string",
    default: "rendezvous",
    values: ["rendezvous", "none"],
    doc: "Who owns an actor whose mapped members are not there, or that is not mapped; `none` for nobody.",
  },
  slotsAbove: {
    type: "integer",
    default: 256,
    min: 0,
    max: 100_000,
    doc: "The option of `rendezvous`, for the fallback.",
  },
};

export default {
  contract: "placement@1",
  name: "guided",
  stability: "beta",
  doc: "A map from actors to members, and rendezvous hashing for the rest.",
  options,
  create({ map, fallback, slotsAbove }, host) {
    const refuse = (what: string) =>
      host.error("request.invalid", `the map of actors: ${what}`, "not_started");
    return new GuidedPlacement(readGuide(map, refuse), fallback, slotsAbove);
  },
} satisfies Plugin<"placement@1", Config>;
