import type { Balancer, BalancerCandidate, BalancerHost } from "../../../../contract/index.ts";

/** Chooses at random among the hosts that have credit, or among all if none has. */
export class SampleBalancer implements Balancer {
  readonly #host: BalancerHost;

  constructor(host: BalancerHost) {
    this.#host = host;
  }

  choose(_type: string, candidates: readonly BalancerCandidate[]): number {
    const open: number[] = [];
    for (const [index, candidate] of candidates.entries()) {
      if (candidate.credit > 0) open.push(index);
    }
    const count = open.length === 0 ? candidates.length : open.length;
    const drawn = Math.floor(this.#host.random.unit() * count);
    return open[drawn] ?? drawn;
  }
}
