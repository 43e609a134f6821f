import type { Balancer, BalancerCandidate, BalancerHost } from "../../../src/contract/index.ts";
import { anyone, hasCredit, lessLoadedOfTwo } from "../kit/choose-among.ts";

/** The less loaded of two hosts drawn at random: nearly as even as knowing all, at constant cost. */
export class TwoChoicesBalancer implements Balancer {
  readonly #host: BalancerHost;

  constructor(host: BalancerHost) {
    this.#host = host;
  }

  choose(_type: string, candidates: readonly BalancerCandidate[]): number {
    const chosen = lessLoadedOfTwo(candidates, hasCredit, this.#host.random);
    return chosen >= 0 ? chosen : lessLoadedOfTwo(candidates, anyone, this.#host.random);
  }
}
