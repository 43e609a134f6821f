import { problem } from "./config-problem.ts";
import type { CrossCheck } from "./cross-checks.ts";
import { MAIN_STATESTORE } from "./families.ts";
import { didYouMean } from "./nearest.ts";

/** Names that mean the one statestore that needs no name. */
const TAKEN: ReadonlySet<string> = new Set([MAIN_STATESTORE, "default", "main"]);

/**
 * Whether systems and further statestores fit each other: every system is given a store that there
 * is, and no store is there for nothing.
 */
export const checkStores: CrossCheck = ({ settings, sourceOf, found }) => {
  const further = settings.selections
    .filter(({ contract, instance }) => contract === "statestore@1" && instance !== MAIN_STATESTORE)
    .map(({ instance }) => instance);
  // One whose plug-in is not known has been reported, and so is not missing as well.
  const refused = found.problems
    .filter(({ reason }) => reason === "unknown_plugin")
    .map(({ key }) => key);
  const unclear = found.problems.some(({ key }) => key === "systems" || key.startsWith("systems."));
  const used = new Set<string>();
  for (const [system, store] of Object.entries(settings.systems)) {
    used.add(store);
    if (further.includes(store) || refused.includes(`statestores.${store}`)) continue;
    const key = `systems.${system}.statestore`;
    const message = `${key} names ${store === "" ? "nothing" : store}, which is none of statestores`;
    const there = further.length === 0 ? "none" : further.join(", ");
    const hint = didYouMean(store, further) || `there are: ${there}`;
    found.problems.push(problem(key, sourceOf("systems"), "unknown_store", message, hint));
  }
  for (const store of further) {
    const key = `statestores.${store}`;
    if (TAKEN.has(store)) {
      const message = `${key} has a name that stands for the statestore without one`;
      found.problems.push(problem(key, sourceOf(key), "conflict", message, "rename it"));
    } else if (!used.has(store) && !unclear) {
      const hint = `give it to a system: TROUPE_SYSTEM_STORES=<system>=${store}`;
      const message = `${key} is used by no system`;
      found.problems.push(problem(key, sourceOf(key), "unused", message, hint));
    }
  }
};
