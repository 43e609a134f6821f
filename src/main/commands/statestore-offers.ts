import type { AnyPlugin, Statestore, StatestoreHost } from "../../contract/index.ts";
import { ServerError } from "../../domain/error.ts";
import { optionsOf } from "../../kernel/catalogue.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemRandom } from "../../platform/random.ts";

/** Powers that a statestore may have; presence of the member is the power. */
export const STATESTORE_POWERS = [
  "search",
  "history",
  "outbox",
  "schedules",
  "resealing",
  "seeds",
  "portability",
  "migrations",
] as const;

/**
 * What a statestore offers, found by making one and asking it: making does no I/O by contract. It is
 * never started. `undefined` for other families, and for one that needs options to be made.
 */
export function offersOf(plugin: AnyPlugin): readonly string[] | undefined {
  if (plugin.contract !== "statestore@1") return undefined;
  const descriptors = optionsOf(plugin);
  const options = Object.fromEntries(
    descriptors.map(([name, { default: value }]) => [name, value]),
  );
  // A server has no address by default; nobody connects to this one.
  const url = `${plugin.name}://troupe@localhost/troupe`;
  const store = made(plugin, options) ?? made(plugin, { ...options, url });
  if (store === undefined) return undefined;
  return [store.durability, ...STATESTORE_POWERS.filter((power) => store[power] !== undefined)];
}

function made(plugin: AnyPlugin, options: Record<string, unknown>): Statestore | undefined {
  try {
    const create = plugin.create as (options: unknown, host: StatestoreHost) => Statestore;
    return create(options, bareHost());
  } catch {
    return undefined;
  }
}

/** A host for a component that is made and thrown away. */
function bareHost(): StatestoreHost {
  const quiet = (): void => undefined;
  return {
    instance: "statestore",
    dataDir: ".",
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    clock: systemClock,
    random: systemRandom,
    meter: { count: quiet, gauge: quiet, observe: quiet },
    report: quiet,
    error: (...given) => new ServerError(...given),
    cluster: "troupe",
    acceptUnsafeDurability: false,
    shared: false,
    queryTimeoutMs: 1_000,
    transactionTries: 1,
  };
}
