import type { Balancer, BalancerCandidate, BalancerHost } from "../../../src/contract/index.ts";
import { anyone, countAccepted, hasCredit } from "../kit/choose-among.ts";

/** Draws in proportion to weight and looks at nothing else. */
export class WeightedRandomBalancer implements Balancer {
  readonly #host: BalancerHost;

  constructor(host: BalancerHost) {
    this.#host = host;
  }

  choose(_type: string, candidates: readonly BalancerCandidate[]): number {
    const accept = countAccepted(candidates, hasCredit) > 0 ? hasCredit : anyone;
    let total = 0;
    for (const candidate of candidates) if (accept(candidate)) total += candidate.weight;
    let left = this.#host.random.unit() * total;
    let last = 0;
    for (let at = 0; at < candidates.length; at += 1) {
      const candidate = candidates[at];
      if (candidate === undefined || !accept(candidate)) continue;
      // Rounding may leave a little at the end: then the last one is it.
      last = at;
      left -= candidate.weight;
      if (left < 0) break;
    }
    return last;
  }
}
