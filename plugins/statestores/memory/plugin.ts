import type { Plugin } from "../../../src/contract/index.ts";
import { MemoryStatestore } from "./memory-statestore.ts";

type MemoryOptions = Record<never, never>;

/** Keeps everything in this process: for tests, for development and for state that may be lost. */
export default {
  contract: "statestore@1",
  name: "memory",
  stability: "stable",
  doc: "State in the memory of this process; lost when it ends.",
  options: {},
  create: (_options, host) => new MemoryStatestore(host),
} satisfies Plugin<"statestore@1", MemoryOptions>;
