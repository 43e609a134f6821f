import type { AnyPlugin, ContractId, OptionDescriptor } from "../contract/plugin.ts";
import { problem, type ConfigProblem, type ConfigReason } from "./config-problem.ts";
import { SERVED, servedContracts } from "./families.ts";

/** A plug-in with its origin: "built in" or the path of its file. */
export interface CatalogueEntry {
  readonly plugin: AnyPlugin;
  readonly origin: string;
}

/** Every plug-in this process may use. */
export interface Catalogue {
  /** In the order of families, then of names. */
  readonly entries: readonly CatalogueEntry[];
  find(contract: ContractId, name: string): CatalogueEntry | undefined;
  /** The names of one family, for messages and documentation. */
  names(contract: ContractId): readonly string[];
}

/** Origin of the plug-ins that are compiled in. */
export const BUILT_IN = "built in";

const TYPES: readonly string[] = [
  "string",
  "integer",
  "number",
  "boolean",
  "duration",
  "size",
  "list",
  "map",
  "path",
  "url",
];
const STABILITIES: readonly string[] = ["experimental", "beta", "stable"];

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What keeps `value` from being a plug-in, or `undefined`. */
function shapeFault(
  value: unknown,
): { reason: ConfigReason; message: string; hint?: string } | undefined {
  if (!isRecord(value)) return { reason: "bad_shape", message: "is not a plug-in object" };
  const { contract, name, options, stability } = value;
  if (contract === undefined) {
    return {
      reason: "api_version_missing",
      message: "names no contract",
      hint: 'add e.g. contract: "balancer@1"',
    };
  }
  if (typeof contract !== "string" || !SERVED.some((id) => id === contract)) {
    const family = String(contract).split("@")[0] ?? "";
    const served = servedContracts(family);
    const all = served.length > 0 ? served : SERVED;
    const hint = `this server serves ${all.join(", ")}`;
    return {
      reason: "api_version_unsupported",
      message: "has a contract that is not served",
      hint,
    };
  }
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    const message = "has no valid name: lower-case letters, digits and hyphens, at most 63";
    return { reason: "bad_manifest", message };
  }
  if (typeof value["create"] !== "function")
    return { reason: "bad_shape", message: "has no function create" };
  if (typeof stability !== "string" || !STABILITIES.includes(stability)) {
    return { reason: "bad_shape", message: `needs a stability of ${STABILITIES.join(", ")}` };
  }
  if (!isRecord(options)) return { reason: "bad_shape", message: "has no options object" };
  const odd = Object.entries(options).find(
    ([key, option]) =>
      !/^[a-z][A-Za-z0-9]*$/.test(key) ||
      !isRecord(option) ||
      !TYPES.includes(String(option["type"])),
  );
  return odd === undefined
    ? undefined
    : { reason: "bad_shape", message: `has an option ${odd[0]} without a known type` };
}

/** Checks that a module's default export is a plug-in; names `origin` in the problem. */
export function checkPlugin(value: unknown, origin: string): AnyPlugin | ConfigProblem {
  const fault = shapeFault(value);
  if (fault === undefined) return value as AnyPlugin;
  const message = `plug-in ${origin} ${fault.message}`;
  return problem("plugins", { kind: "default" }, fault.reason, message, fault.hint);
}

/** Joins plug-ins into a catalogue; two of the same family and name are both refused. */
export function makeCatalogue(entries: readonly CatalogueEntry[]): {
  readonly catalogue: Catalogue;
  readonly problems: readonly ConfigProblem[];
} {
  const byName = new Map<string, CatalogueEntry>();
  const problems: ConfigProblem[] = [];
  for (const entry of entries) {
    const { contract, name } = entry.plugin;
    const id = `${contract} ${name}`;
    const other = byName.get(id);
    if (other === undefined) {
      byName.set(id, entry);
      continue;
    }
    const message = `plug-ins ${other.origin} and ${entry.origin} are both ${contract} ${name}`;
    problems.push(
      problem("plugins", { kind: "default" }, "conflict", message, "rename one of them"),
    );
  }
  const rank = new Map(SERVED.map((contract, index) => [contract, index]));
  const sorted = [...byName.values()].sort((a, b) => {
    const byFamily = (rank.get(a.plugin.contract) ?? 0) - (rank.get(b.plugin.contract) ?? 0);
    return byFamily === 0 ? (a.plugin.name < b.plugin.name ? -1 : 1) : byFamily;
  });
  const catalogue: Catalogue = {
    entries: sorted,
    find: (contract, name) => byName.get(`${contract} ${name}`),
    names: (contract) =>
      sorted
        .filter((entry) => entry.plugin.contract === contract)
        .map((entry) => entry.plugin.name),
  };
  return { catalogue, problems };
}

/** The options of a plug-in by their names, in the order of declaration. */
export function optionsOf(
  plugin: AnyPlugin,
): readonly (readonly [string, OptionDescriptor<unknown>])[] {
  return Object.entries(plugin.options as Readonly<Record<string, OptionDescriptor<unknown>>>);
}
