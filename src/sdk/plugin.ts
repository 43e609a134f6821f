import type { ContractId, Plugin } from "../contract/index.ts";

export type * from "../contract/index.ts";

/**
 * Gives a plug-in back as it is, with its options' types inferred. A plug-in works without it: the
 * server needs nothing but the object.
 */
export function definePlugin<const K extends ContractId, Config>(
  plugin: Plugin<K, Config>,
): Plugin<K, Config> {
  return plugin;
}
