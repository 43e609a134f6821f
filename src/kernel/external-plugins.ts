import { checkPlugin, type CatalogueEntry } from "./catalogue.ts";
import type { ConfigSources } from "./config-inputs.ts";
import {
  problem,
  type ConfigProblem,
  type ConfigReason,
  type ConfigSource,
} from "./config-problem.ts";
import { NODE_SETTINGS } from "./settings.ts";
import { readSlot, settingSlot, type Findings } from "./slot.ts";

/** A plug-in's file as configuration names it. */
export interface PluginReference {
  readonly path: string;
  /** Lower-case hexadecimal, if it is pinned. */
  readonly sha256: string | undefined;
  readonly source: ConfigSource;
}

/** A module that was loaded, or why it was not. */
export type LoadedModule =
  | { readonly kind: "loaded"; readonly path: string; readonly exported: unknown }
  | { readonly kind: "failed"; readonly reason: ConfigReason; readonly detail: string };

/** Loads one module from a file; the platform's matter. Never rejects. */
export interface PluginLoader {
  load(reference: PluginReference): Promise<LoadedModule>;
}

const MOST_PLUGINS = 64;

function parseReference(text: string, source: ConfigSource): PluginReference | ConfigProblem {
  const [path = "", pin, ...rest] = text.split("#");
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1];
  if (scheme !== undefined) {
    const message = `plug-in path begins with ${scheme}:, only files are loaded`;
    return problem(
      "plugins",
      source,
      "scheme_denied",
      message,
      "give the path of a .ts or .js file",
    );
  }
  if (!/\.[jt]s$/.test(path)) {
    return problem("plugins", source, "type", `plug-in ${path} is neither a .ts nor a .js file`);
  }
  if (pin === undefined) return { path, sha256: undefined, source };
  const sha256 = /^sha256=([0-9a-fA-F]{64})$/.exec(pin)?.[1]?.toLowerCase();
  if (sha256 === undefined || rest.length > 0) {
    const hint = "write path#sha256=<64 hexadecimal digits>";
    return problem("plugins", source, "type", `plug-in ${path} has a pin that is no SHA-256`, hint);
  }
  return { path, sha256, source };
}

/** The external plug-ins that the sources name, checked by their text alone. */
export function pluginReferences(sources: ConfigSources): {
  readonly references: readonly PluginReference[];
  readonly problems: readonly ConfigProblem[];
} {
  // Problems of the two values themselves are reported when all settings are read.
  const ignored: Findings = { problems: [], warnings: [] };
  const read = (slot: ReturnType<typeof settingSlot>) =>
    readSlot(sources, slot, new Set(), ignored);
  const { value, source } = read(settingSlot(NODE_SETTINGS.plugins));
  const pinned = read(settingSlot(NODE_SETTINGS.requirePluginIntegrity)).value === true;
  const paths = (value as readonly string[] | undefined) ?? [];
  if (paths.length > MOST_PLUGINS) {
    const message = `plugins names ${paths.length} files, at most ${MOST_PLUGINS} are loaded`;
    return { references: [], problems: [problem("plugins", source, "too_many", message)] };
  }
  const references: PluginReference[] = [];
  const problems: ConfigProblem[] = [];
  for (const text of paths) {
    const parsed = parseReference(text, source);
    if ("reason" in parsed) {
      problems.push(parsed);
    } else if (pinned && parsed.sha256 === undefined) {
      const message = `plug-in ${parsed.path} has no SHA-256, and one is required`;
      problems.push(problem("plugins", source, "integrity_missing", message, "add #sha256=<hex>"));
    } else {
      references.push(parsed);
    }
  }
  return { references, problems };
}

function isProblem(value: object): value is ConfigProblem {
  return "reason" in value && "exit" in value;
}

/** Loads the referenced plug-ins one after the other. Resolves with all that can be said of them. */
export async function loadExternals(
  references: readonly PluginReference[],
  loader: PluginLoader,
): Promise<{
  readonly entries: readonly CatalogueEntry[];
  readonly problems: readonly ConfigProblem[];
}> {
  const entries: CatalogueEntry[] = [];
  const problems: ConfigProblem[] = [];
  for (const reference of references) {
    const loaded = await loader.load(reference);
    if (loaded.kind === "failed") {
      const message = `plug-in ${reference.path} ${loaded.detail}`;
      problems.push(problem("plugins", reference.source, loaded.reason, message));
      continue;
    }
    const checked = checkPlugin(loaded.exported, reference.path);
    if (isProblem(checked)) problems.push({ ...checked, source: reference.source });
    else entries.push({ plugin: checked, origin: loaded.path });
  }
  return { entries, problems };
}
