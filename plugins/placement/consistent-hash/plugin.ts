import type { OptionDescriptors, Plugin } from "../../../src/contract/index.ts";
import { ConsistentHashPlacement } from "./consistent-hash-placement.ts";

interface Config {
  readonly virtualNodes: number;
}

const options: OptionDescriptors<Config> = {
  virtualNodes: {
    type: "integer",
    default: 256,
    min: 1,
    max: 4_096,
    doc: "Points on the ring of a member of weight 1; more are more even. The same on every node.",
  },
};

export default {
  contract: "placement@1",
  name: "consistent-hash",
  stability: "beta",
  doc: "A hash ring with virtual nodes; less even than rendezvous, and quick with many members.",
  options,
  create: (config) => new ConsistentHashPlacement(config),
} satisfies Plugin<"placement@1", Config>;
