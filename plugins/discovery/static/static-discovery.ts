import type { Discovery, DiscoveryHost, Seed } from "../../../src/contract/index.ts";
import { seedList } from "../kit/seed-list.ts";

/** Finds who was configured, and always the same. */
export class StaticDiscovery implements Discovery {
  readonly #seeds: readonly Seed[];

  constructor(host: DiscoveryHost) {
    this.#seeds = seedList(host.seeds);
  }

  find(): Promise<readonly Seed[]> {
    return Promise.resolve(this.#seeds);
  }
}
