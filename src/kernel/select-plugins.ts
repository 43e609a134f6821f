import { optionsOf, type Catalogue, type CatalogueEntry } from "./catalogue.ts";
import type { ConfigSources } from "./config-inputs.ts";
import { DEFAULT_SOURCE, problem, type ConfigSource } from "./config-problem.ts";
import { FAMILIES, type Family } from "./families.ts";
import { didYouMean } from "./nearest.ts";
import { environmentName, flagName, optionKey } from "./setting.ts";
import { findNode, readSlot, type Findings, type Slot } from "./slot.ts";

/** A plug-in that was chosen, with the places of its options. */
export interface Choice {
  readonly family: Family;
  readonly instance: string;
  readonly source: ConfigSource;
  readonly entry: CatalogueEntry;
  /** Option name → its slot. */
  readonly options: readonly (readonly [string, Slot])[];
}

/** The choices of all families, and what configuration may therefore name. */
export interface Choices {
  readonly choices: readonly Choice[];
  /** The slots that choose; they have no value of their own. */
  readonly slots: readonly Slot[];
  /** Families whose plug-in could not be found: their options cannot be judged. */
  readonly unjudged: readonly Family[];
}

interface Named {
  readonly instance: string;
  readonly plugin: string;
  readonly source: ConfigSource;
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

function familySlot(family: Family, key: string): Slot {
  const environment = environmentName(family.key);
  const type = family.many ? "list" : "string";
  const spec = { type, doc: family.doc } as const;
  return { key, environment, flag: flagName(environment), spec, byFile: false };
}

/** `nightly=cron` names an instance of a plug-in; `cron` alone is both, unless a file says more. */
function parseInstance(text: string, source: ConfigSource, inFile: readonly Named[]): Named {
  const at = text.indexOf("=");
  if (at >= 0) {
    return { instance: text.slice(0, at).trim(), plugin: text.slice(at + 1).trim(), source };
  }
  const plugin = inFile.find((named) => named.instance === text)?.plugin ?? text;
  return { instance: text, plugin, source };
}

/** Instances that a file gives as a map from their names. */
function mapInstances(sources: ConfigSources, family: Family): readonly Named[] | undefined {
  const found = findNode(sources, family.key);
  if (found?.node.kind !== "map") return undefined;
  return found.node.entries.map(({ key }) => {
    const chosen = findNode(sources, `${family.key}.${key}.plugin`);
    const source = findNode(sources, `${family.key}.${key}`)?.source ?? found.source;
    const plugin = chosen?.node.kind === "scalar" ? chosen.node.text : key;
    return { instance: key, plugin, source };
  });
}

function namedPlugins(
  sources: ConfigSources,
  family: Family,
  byDefault: string | undefined,
  found: Findings,
): { readonly named: readonly Named[]; readonly slot: Slot } {
  const inMap = findNode(sources, family.key)?.node.kind === "map";
  const taken = new Set<string>();
  if (!family.many) {
    const slot = familySlot(family, inMap ? `${family.key}.plugin` : family.key);
    const { value, source, failed } = readSlot(sources, slot, taken, found);
    const plugin = failed ? undefined : ((value as string | undefined) ?? byDefault);
    const named = plugin === undefined ? [] : [{ instance: family.key, plugin, source }];
    return { named, slot };
  }
  // A map is no list: it is read by itself, and a variable or flag takes its place.
  const slot = familySlot(family, inMap ? `${family.key}.` : family.key);
  const { value, source } = readSlot(sources, slot, taken, found);
  const list = value as readonly string[] | undefined;
  const inFile = mapInstances(sources, family) ?? [];
  return { named: list?.map((text) => parseInstance(text, source, inFile)) ?? inFile, slot };
}

function optionSlots(family: Family, named: Named, entry: CatalogueEntry): Choice["options"] {
  const suffix = family.many ? `_${named.instance.toUpperCase().replaceAll("-", "_")}` : "";
  const parent = family.many ? `${family.key}.${named.instance}` : family.key;
  return optionsOf(entry.plugin).map(([name, descriptor]) => {
    const key = optionKey(name);
    const environment = `${family.optionPrefix}${suffix}_${key.toUpperCase()}`;
    const required = descriptor.default === undefined;
    const spec = { ...descriptor, required };
    const slot: Slot = {
      key: `${parent}.${key}`,
      environment,
      flag: flagName(environment),
      spec,
      byFile: true,
    };
    return [name, slot] as const;
  });
}

function choose(
  family: Family,
  named: Named,
  catalogue: Catalogue,
  found: Findings,
): Choice | undefined {
  const key = family.many ? `${family.key}.${named.instance}` : family.key;
  if (family.many && !NAME.test(named.instance)) {
    const message = `${family.key} has an instance without a valid name`;
    const hint = "use lower-case letters, digits and hyphens";
    found.problems.push(problem(family.key, named.source, "charset", message, hint));
    return undefined;
  }
  const entry = catalogue.find(family.contract, named.plugin);
  if (entry === undefined) {
    const names = catalogue.names(family.contract);
    const message = `${key} names ${named.plugin || "nothing"}, which is no plug-in of its family`;
    const hint = didYouMean(named.plugin, names) || `there are: ${names.join(", ") || "none"}`;
    found.problems.push(problem(key, named.source, "unknown_plugin", message, hint));
    return undefined;
  }
  const { instance, source } = named;
  return { family, instance, source, entry, options: optionSlots(family, named, entry) };
}

/** The default of one family, which may depend on what the families before it have chosen. */
function defaultOf(
  family: Family,
  loopback: boolean,
  choices: readonly Choice[],
): string | undefined {
  if (family.contract === "acl@1") return loopback ? "allow-all" : undefined;
  const statestore = choices.find((choice) => choice.family.contract === "statestore@1");
  // Without a store that outlives the process there is nobody to arbitrate.
  if (family.contract === "partition-tolerance@1" && statestore?.entry.plugin.name === "memory") {
    return "divergence";
  }
  return family.byDefault;
}

/** Finds out which plug-ins are configured. `loopback`: every listener is on this machine only. */
export function selectPlugins(
  sources: ConfigSources,
  catalogue: Catalogue,
  loopback: boolean,
  found: Findings,
): Choices {
  const choices: Choice[] = [];
  const slots: Slot[] = [];
  const unjudged: Family[] = [];
  for (const family of FAMILIES) {
    const byDefault = defaultOf(family, loopback, choices);
    const { named, slot } = namedPlugins(sources, family, byDefault, found);
    slots.push(slot);
    for (const [index, each] of named.entries()) {
      if (named.findIndex((other) => other.instance === each.instance) < index) {
        const message = `${family.key} names the instance ${each.instance} twice`;
        const hint = "give each its own name: name=plugin";
        found.problems.push(problem(family.key, each.source, "conflict", message, hint));
        continue;
      }
      const choice = choose(family, each, catalogue, found);
      if (choice === undefined) unjudged.push(family);
      else choices.push(choice);
      if (family.many)
        slots.push({
          ...familySlot(family, `${family.key}.${each.instance}.plugin`),
          environment: "",
          flag: "",
        });
    }
    const missing = family.contract === "acl@1" && named.length === 0;
    if (missing) {
      const message = "acl must be chosen, because a listener is open beyond loopback";
      const hint = `set TROUPE_ACL to one of: ${catalogue.names("acl@1").join(", ")}`;
      found.problems.push(problem("acl", DEFAULT_SOURCE, "acl_required", message, hint));
      unjudged.push(family);
    }
  }
  return { choices, slots, unjudged };
}
