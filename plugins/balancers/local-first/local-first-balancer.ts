import type { Balancer, BalancerCandidate, BalancerHost } from "../../../src/contract/index.ts";
import { type Accept, anyone, hasCredit, lessLoadedOfTwo } from "../kit/choose-among.ts";

const localWithCredit: Accept = (candidate) => candidate.local && candidate.credit > 0;

/** The order in which groups of hosts are asked; the last one holds them all. */
const GROUPS: readonly Accept[] = [localWithCredit, hasCredit, anyone];

/** Hosts of this node while they have credit, so that a call saves the hop to another node. */
export class LocalFirstBalancer implements Balancer {
  readonly #host: BalancerHost;

  constructor(host: BalancerHost) {
    this.#host = host;
  }

  choose(_type: string, candidates: readonly BalancerCandidate[]): number {
    for (const group of GROUPS) {
      const chosen = lessLoadedOfTwo(candidates, group, this.#host.random);
      if (chosen >= 0) return chosen;
    }
    return 0;
  }
}
