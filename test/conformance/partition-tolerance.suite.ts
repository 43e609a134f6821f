import { describe, expect, test } from "bun:test";
import type {
  PartitionTolerance,
  PartitionToleranceHost,
  PartitionView,
} from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { recordingHost } from "./support/recording-host.ts";

/** What the suite needs of a partition tolerance. */
export interface PartitionToleranceSuiteOptions {
  readonly name: string;
  readonly create: (host: PartitionToleranceHost) => PartitionTolerance;
}

/** A view in which all is well. */
export function partitionView(overrides: Partial<PartitionView> = {}): PartitionView {
  const nodes = ["node-a", "node-b", "node-c"];
  return { self: "node-a", alive: nodes, known: nodes, storeReachable: true, ...overrides };
}

/** Everything that a partition tolerance promises, whatever its rule. */
export function partitionToleranceSuite(options: PartitionToleranceSuiteOptions): void {
  const create = () => options.create(recordingHost());

  describe(`partition tolerance ${options.name}`, () => {
    test("goes on when every known member is alive and the store answers", () => {
      expect(create().evaluate(partitionView())).toEqual({ kind: "serve" });
    });

    test("goes on when every known member is alive and there is no shared store", () => {
      expect(create().evaluate(partitionView({ storeReachable: undefined })).kind).toBe("serve");
    });

    test("goes on alone when no other member was ever known", () => {
      const alone = partitionView({ alive: ["node-a"], known: ["node-a"] });
      expect(create().evaluate(alone).kind).toBe("serve");
    });

    test("answers 2,000 random views at once, and with a reason whenever it stops", () => {
      const tolerance = create();
      const prng = new Prng(11);
      for (let round = 0; round < 2_000; round += 1) {
        const known = Array.from({ length: 1 + prng.below(9) }, (_, at) => `node-${at}`);
        const alive = known.filter((_, at) => at === 0 || prng.below(2) === 0);
        const storeReachable = prng.pick([true, false, undefined]);
        const view = Object.freeze({ self: "node-0", alive, known, storeReachable });
        const decision = tolerance.evaluate(view);
        if (decision.kind === "partitioned") expect(decision.reason).toMatch(/^[a-z].*[^.]$/);
        else expect(decision).toEqual({ kind: "serve" });
      }
    });

    test("goes on again once all is well again", () => {
      const tolerance = create();
      tolerance.evaluate(partitionView({ alive: ["node-a"], storeReachable: false }));
      expect(tolerance.evaluate(partitionView()).kind).toBe("serve");
    });
  });
}
