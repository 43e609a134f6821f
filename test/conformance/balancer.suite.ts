import { describe, expect, test } from "bun:test";
import type { Balancer, BalancerCandidate, BalancerHost } from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { recordingHost } from "./support/recording-host.ts";

/** What the suite needs of a balancer. */
export interface BalancerSuiteOptions {
  readonly name: string;
  readonly create: (host: BalancerHost) => Balancer;
  /** Most times the fair share that one of ten equal hosts may get; 1.5 unless told. */
  readonly maxShare?: number;
}

/** A candidate with ordinary values. */
export function candidate(overrides: Partial<BalancerCandidate> = {}): BalancerCandidate {
  return { hostId: "host-1", local: true, inFlight: 0, credit: 100, weight: 1, ...overrides };
}

/** `count` equal candidates. */
export function candidates(
  count: number,
  overrides: Partial<BalancerCandidate> = {},
): BalancerCandidate[] {
  return Array.from({ length: count }, (_, at) =>
    candidate({ hostId: `host-${at}`, ...overrides }),
  );
}

/** Everything that a balancer promises, whatever its strategy. */
export function balancerSuite(options: BalancerSuiteOptions): void {
  const create = (seed = 1) => options.create(recordingHost({ seed }));

  describe(`balancer ${options.name}`, () => {
    test("a single candidate is chosen, even without credit", () => {
      expect(create().choose("order", [candidate({ credit: 0 })])).toBe(0);
    });

    test("the answer is an index of the list for 5,000 random lists", () => {
      const balancer = create();
      const prng = new Prng(3);
      for (let round = 0; round < 5_000; round += 1) {
        const list = Array.from({ length: 1 + prng.below(12) }, () =>
          candidate({
            hostId: `host-${prng.below(20)}`,
            local: prng.below(2) === 0,
            inFlight: prng.below(50),
            credit: prng.below(3),
            weight: 0.1 + prng.unit() * 5,
          }),
        );
        const chosen = balancer.choose(`type-${prng.below(5)}`, list);
        expect(Number.isInteger(chosen) && chosen >= 0 && chosen < list.length).toBe(true);
        const hasCredit = list.some((each) => each.credit > 0);
        if (hasCredit) expect(list[chosen]?.credit).toBeGreaterThan(0);
      }
    });

    test("equal hosts get about equal shares", () => {
      const balancer = create();
      const shares = countChoices(balancer, candidates(10), 10_000);
      for (const share of shares) {
        expect(share).toBeGreaterThan(0);
        expect(share / 1_000).toBeLessThan(options.maxShare ?? 1.5);
      }
    });

    test("a host that leaves gets nothing more and one that joins gets its part", () => {
      const balancer = create();
      const list = candidates(4);
      countChoices(balancer, list, 100);
      const shares = countChoices(
        balancer,
        [...list.slice(1), candidate({ hostId: "new" })],
        4_000,
      );
      expect(shares[3]).toBeGreaterThan(500);
    });

    test("types do not disturb each other", () => {
      const balancer = create();
      const list = candidates(2);
      const shares = [0, 0];
      for (let call = 0; call < 2_000; call += 1) {
        const chosen = balancer.choose("a", list);
        shares[chosen] = (shares[chosen] ?? 0) + 1;
        balancer.choose("b", list);
      }
      expect(Math.min(...shares)).toBeGreaterThan(600);
    });

    test("the list is not changed", () => {
      const list = Object.freeze(candidates(3).map((each) => Object.freeze(each)));
      expect(() => create().choose("order", list)).not.toThrow();
    });
  });
}

/** How often each candidate is chosen. */
export function countChoices(
  balancer: Balancer,
  list: readonly BalancerCandidate[],
  calls: number,
): number[] {
  const shares = new Array<number>(list.length).fill(0);
  for (let call = 0; call < calls; call += 1) {
    const chosen = balancer.choose("order", list);
    shares[chosen] = (shares[chosen] ?? 0) + 1;
  }
  return shares;
}
