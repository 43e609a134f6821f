import type { Plugin } from "../../../src/contract/index.ts";
import { type SqliteOptions, SqliteStatestore } from "./sqlite-statestore.ts";

const CACHE_BYTES = 32 * 1024 * 1024;

/** The embedded statestore: one file, written with full synchronisation. */
export default {
  contract: "statestore@1",
  name: "sqlite",
  stability: "stable",
  doc: "State in one SQLite file of this machine, durable through power loss.",
  options: {
    path: {
      type: "path",
      default: "",
      doc: "The database file; by default troupe.db in the data directory.",
    },
    mode: {
      type: "string",
      default: "exclusive",
      values: ["exclusive", "shared"],
      doc: "exclusive: one process. shared: several processes of this machine, with fenced reads.",
    },
    cache: {
      type: "size",
      default: CACHE_BYTES,
      min: 1024 * 1024,
      max: 4 * 1024 * 1024 * 1024,
      doc: "Memory for pages of the database.",
    },
    migrate: {
      type: "string",
      default: "auto",
      values: ["auto", "check"],
      doc: "auto: a start takes pending steps of the schema. check: it refuses over them.",
    },
  },
  create(options, host) {
    if (host.shared && options.mode === "exclusive") {
      const message = 'several processes share the statestore, so its mode must be "shared"';
      throw host.error("plugin.unsupported", message, "not_applied", { reason: "store_mode" });
    }
    return new SqliteStatestore(options, host);
  },
} satisfies Plugin<"statestore@1", SqliteOptions>;
