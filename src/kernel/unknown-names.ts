import { positionOf, type ConfigEntry } from "./config-document.ts";
import type { ConfigSources } from "./config-inputs.ts";
import { problem, type ConfigSource } from "./config-problem.ts";
import { FAMILIES, type Family } from "./families.ts";
import { didYouMean } from "./nearest.ts";
import type { Findings, Slot } from "./slot.ts";

/** What configuration may name, and where it cannot be told. */
export interface KnownNames {
  readonly slots: readonly Slot[];
  /** Families whose options cannot be judged, because their plug-in is not known. */
  readonly unjudged: readonly Family[];
}

/** A file with more unknown keys than this is not ours; the search for near names takes its time. */
const MOST_UNKNOWN = 50;

function withFiles(
  slots: readonly Slot[],
  name: (slot: Slot) => string,
  suffix: string,
): Set<string> {
  return new Set(
    slots.flatMap((slot) => (slot.byFile ? [name(slot), name(slot) + suffix] : [name(slot)])),
  );
}

/** A family with several instances may describe more of them in a file than are switched on. */
function isSpareInstance(path: string, known: ReadonlySet<string>): boolean {
  const [family, instance, ...rest] = path.split(".");
  const many = FAMILIES.some((each) => each.many && each.key === family);
  if (!many || instance === undefined || rest.length > 0) return false;
  return ![...known].some((key) => key.startsWith(`${path}.`));
}

/** What stands beside `inner` in the entries of a map that holds its values there. */
function strayEntries(
  { node }: ConfigEntry,
  path: string,
  inner: string,
): readonly (readonly [string, ConfigEntry])[] {
  if (node.kind !== "map") return [];
  return node.entries.flatMap(({ key, node: item }) =>
    item.kind !== "map"
      ? []
      : item.entries
          .filter((each) => each.key !== inner)
          .map((each) => [`${path}.${key}.${each.key}`, each] as const),
  );
}

function checkFile(sources: ConfigSources, names: KnownNames, found: Findings): void {
  const { document } = sources;
  if (document?.root.kind !== "map") return;
  const known = withFiles(names.slots, (slot) => slot.key, "_file");
  const prefixes = new Set(
    [...known].flatMap((key) =>
      key.split(".").map((_, index, parts) => parts.slice(0, index).join(".")),
    ),
  );
  const skipped = new Set(names.unjudged.map((family) => family.key));
  const nested = new Map(names.slots.map(({ key, inner }) => [key, inner]));
  let unknown = 0;
  const refuse = (path: string, source: ConfigSource, near: Iterable<string>): void => {
    unknown += 1;
    if (unknown > MOST_UNKNOWN) return;
    const hint = didYouMean(path, near);
    found.problems.push(problem(path, source, "unknown_key", `${path} is not a known key`, hint));
  };
  const placed = (entry: ConfigEntry): ConfigSource => ({
    kind: "file",
    path: document.path,
    ...positionOf(entry),
  });
  const visit = (entry: ConfigEntry, parent: string): void => {
    const path = parent === "" ? entry.key : `${parent}.${entry.key}`;
    const inner = nested.get(path);
    if (inner !== undefined) {
      for (const [key, each] of strayEntries(entry, path, inner)) {
        refuse(key, placed(each), [`${key.slice(0, key.lastIndexOf("."))}.${inner}`]);
      }
      return;
    }
    if (known.has(path) || skipped.has(path) || isSpareInstance(path, known)) return;
    if (!prefixes.has(path)) {
      refuse(path, placed(entry), known);
    } else if (entry.node.kind === "map") {
      for (const item of entry.node.entries) visit(item, path);
    } else if (entry.node.kind !== "empty") {
      found.problems.push(problem(path, placed(entry), "type", `${path} must be a map of keys`));
    }
  };
  for (const entry of document.root.entries) visit(entry, "");
}

function checkEnvironment(sources: ConfigSources, names: KnownNames, found: Findings): void {
  const known = withFiles(names.slots, (slot) => slot.environment, "_FILE");
  const skipped = names.unjudged.map((family) => `${family.optionPrefix}_`);
  for (const [name, { source }] of sources.environment) {
    if (known.has(name) || skipped.some((prefix) => name.startsWith(prefix))) continue;
    const key = name.slice("TROUPE_".length).toLowerCase();
    if (source.kind === "environment" && source.name !== name) {
      const message = `${source.name} has no effect: nothing that is configured has ${name}`;
      found.warnings.push({ key, source, message });
      continue;
    }
    const hint = didYouMean(name, known);
    found.problems.push(
      problem(key, source, "unknown_key", `${name} is not a known variable`, hint),
    );
  }
}

function checkFlags(sources: ConfigSources, names: KnownNames, found: Findings): void {
  const known = withFiles(names.slots, (slot) => slot.flag, "-file");
  const skipped = names.unjudged.map((family) =>
    `${family.optionPrefix.slice("TROUPE_".length)}-`.toLowerCase().replaceAll("_", "-"),
  );
  for (const [name, { source }] of sources.flags) {
    if (known.has(name) || skipped.some((prefix) => name.startsWith(prefix))) continue;
    const key = name.replaceAll("-", "_");
    const hint = didYouMean(
      `--${name}`,
      [...known].map((flag) => `--${flag}`),
    );
    found.problems.push(
      problem(key, source, "unknown_flag", `--${name} is not a known flag`, hint),
    );
  }
}

/** Reports every key, variable and flag that means nothing, with the nearest name that does. */
export function checkNames(sources: ConfigSources, names: KnownNames, found: Findings): void {
  checkFile(sources, names, found);
  checkEnvironment(sources, names, found);
  checkFlags(sources, names, found);
}
