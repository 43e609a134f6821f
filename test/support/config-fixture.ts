import type { AnyPlugin, ContractId } from "../../src/contract/index.ts";
import { BUILT_IN, makeCatalogue } from "../../src/kernel/catalogue.ts";
import {
  readSources,
  splitFlags,
  type ConfigInputs,
  type FileText,
} from "../../src/kernel/config-inputs.ts";
import { formatProblems } from "../../src/kernel/config-report.ts";
import { readSettings } from "../../src/kernel/read-settings.ts";

const WALL_MS = 1_800_000_000_000;
/** A key that seals states. */
export const KEY = `one:${Buffer.alloc(32, 7).toString("base64")}`;

function plugin(contract: ContractId, name: string, options: object = {}): AnyPlugin {
  const create = () => ({});
  return {
    contract,
    name,
    stability: "stable",
    doc: "A test.",
    options,
    create,
  } as unknown as AnyPlugin;
}

const URL_OPTION = { type: "url", secret: true, doc: "Where the database is." };
const POOL = { type: "integer", default: 20, min: 1, max: 100, doc: "Connections." };
const WAIT = { type: "duration", default: 10_000, doc: "Longest wait." };

/** A small catalogue with every kind of option. */
export const { catalogue } = makeCatalogue(
  [
    plugin("statestore@1", "sqlite", { path: { type: "path", default: "", doc: "File." } }),
    plugin("statestore@1", "memory"),
    plugin("statestore@1", "postgres", { url: URL_OPTION, poolSize: POOL, queueTarget: WAIT }),
    plugin("placement@1", "rendezvous"),
    plugin("partition-tolerance@1", "store-arbiter"),
    plugin("partition-tolerance@1", "divergence"),
    plugin("discovery@1", "static"),
    plugin("discovery@1", "store"),
    plugin("balancer@1", "two-choices"),
    plugin("balancer@1", "random"),
    plugin("acl@1", "allow-all"),
    plugin("acl@1", "policy-files", { path: { type: "path", doc: "Directory." } }),
    plugin("authenticator@1", "token", { file: { type: "path", default: "", doc: "File." } }),
    plugin("activator@1", "cron", {
      schedule: { type: "string", doc: "Cron text." },
      timeZone: { type: "string", default: "UTC", doc: "Time zone." },
    }),
  ].map((each) => ({ plugin: each, origin: BUILT_IN })),
);

/** Sources of one configuration; nothing else is there. */
export interface Given {
  readonly env?: Record<string, string>;
  readonly flags?: readonly string[];
  readonly files?: Record<string, string | FileText>;
  readonly wallMs?: number;
}

function inputs({ env = {}, flags = [], files = {}, wallMs = WALL_MS }: Given): ConfigInputs {
  const read = (path: string): FileText => {
    const found = files[path];
    if (found === undefined) return { kind: "failed", reason: "not_found" };
    return typeof found === "string" ? { kind: "text", text: found } : found;
  };
  return { environment: env, flags: splitFlags(flags, new Set()).flags, files: { read }, wallMs };
}

const read = (given: Given) => readSettings(readSources(inputs(given)), catalogue);

/** Settings that must be accepted. */
export function accepted(given: Given) {
  const result = read(given);
  if (!result.ok) throw new Error(formatProblems(result.problems, false));
  return result;
}

/** The problems of settings that must be refused. */
export function refused(given: Given) {
  const result = read(given);
  if (result.ok) throw new Error("the configuration was accepted");
  return result.problems;
}

/** A configuration file alone. */
export const yaml = (text: string): Given => ({ files: { "troupe.yaml": text } });
/** One variable alone. */
export const env = (name: string, value: string): Given => ({ env: { [name]: value } });
/** A client listener that is open beyond loopback, with its key. */
export const open = { TROUPE_HTTP_ADDR: "0.0.0.0:7700", TROUPE_STATESTORE_KEYS: KEY };
