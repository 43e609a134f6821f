import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { RendezvousPlacement } from "./rendezvous-placement.ts";

interface Config {
  readonly slotsAbove: number;
}

const options: OptionDescriptors<Config> = {
  slotsAbove: {
    type: "integer",
    default: 256,
    min: 0,
    max: 100_000,
    doc: "With more members than this, actors are placed by slots of a table; the same on every node.",
  },
};

export default {
  contract: "placement@1",
  name: "rendezvous",
  stability: "beta",
  doc: "Weighted rendezvous hashing: even shares, and only the actors of a leaving member move.",
  options,
  create: (config) => new RendezvousPlacement(config),
} satisfies Plugin<"placement@1", Config>;
