import type { Seed } from "../../../src/contract/index.ts";

/** The most that is found at once. */
const MOST_SEEDS = 10_000;
const HIGHEST_PORT = 65_535;
const HOST = /^[A-Za-z0-9._:%-]{1,253}$/;

/** The seeds that can be one, each address once, in the order given. */
export function seedList(seeds: Iterable<Seed>): readonly Seed[] {
  const found = new Map<string, Seed>();
  for (const seed of seeds) {
    const { host, port } = seed;
    if (!HOST.test(host) || !Number.isInteger(port) || port < 1 || port > HIGHEST_PORT) continue;
    const key = `${host.toLowerCase()} ${port}`;
    if (!found.has(key)) found.set(key, seed);
    if (found.size === MOST_SEEDS) break;
  }
  return [...found.values()];
}
