import type { AnyPlugin } from "../contract/plugin.ts";
import { BUILT_IN, makeCatalogue, type Catalogue } from "./catalogue.ts";
import { readSources, type ConfigInputs } from "./config-inputs.ts";
import type { CrossCheck } from "./cross-checks.ts";
import { loadExternals, pluginReferences, type PluginLoader } from "./external-plugins.ts";
import { readSettings, type AcceptedSettings, type RefusedSettings } from "./read-settings.ts";

/** What configuration is made with besides its inputs. */
export interface ConfigureOptions {
  readonly builtins: readonly AnyPlugin[];
  readonly loader: PluginLoader;
  /** Checks that need more than text: keys, certificates. */
  readonly checks?: readonly CrossCheck[];
}

/** Configuration with the plug-ins that may serve it. */
export type Configured = (AcceptedSettings | RefusedSettings) & { readonly catalogue: Catalogue };

/**
 * The first half of the boot: sources, external plug-ins, catalogue, settings. Never rejects; resolves
 * with settings or with every problem there is. Nothing is created or started. `check-config` is this.
 */
export async function configure(
  inputs: ConfigInputs,
  { builtins, loader, checks = [] }: ConfigureOptions,
): Promise<Configured> {
  const sources = readSources(inputs);
  const { references, problems } = pluginReferences(sources);
  const externals = await loadExternals(references, loader);
  const own = builtins.map((plugin) => ({ plugin, origin: BUILT_IN }));
  const made = makeCatalogue([...own, ...externals.entries]);
  const found = [...problems, ...externals.problems, ...made.problems];
  const { catalogue } = made;
  const read = readSettings(sources, catalogue, { problems: found, checks });
  if (read.ok || externals.problems.length === 0) return { ...read, catalogue };
  // A plug-in that could not be loaded is missing for that reason, which has been told.
  const told = read.problems.filter(({ reason }) => reason !== "unknown_plugin");
  return { ...read, problems: told, catalogue };
}
