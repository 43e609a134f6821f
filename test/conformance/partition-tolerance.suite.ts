import { describe, expect, test } from "bun:test";
import type {
  PartitionDecision,
  PartitionTolerance,
  PartitionToleranceHost,
  PartitionView,
} from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { keptNothing, partitionToleranceHost } from "./support/partition-tolerance-host.ts";

/** What the suite needs of a partition tolerance. */
export interface PartitionToleranceSuiteOptions {
  readonly name: string;
  readonly create: (host: PartitionToleranceHost) => PartitionTolerance;
}

/** A view in which all is well. */
export function partitionView(overrides: Partial<PartitionView> = {}): PartitionView {
  const nodes = ["node-a", "node-b", "node-c"];
  return {
    self: "node-a",
    alive: nodes,
    known: nodes,
    storeReachable: true,
    up: [],
    down: [],
    left: [],
    previous: undefined,
    ...overrides,
  };
}

/** A cluster as one of its members sees it, which asks about each change as a node does. */
export class WatchedCluster {
  readonly #tolerance: PartitionTolerance;
  readonly #alive = new Set<string>();
  readonly #known = new Set<string>();
  #previous: PartitionDecision | undefined;

  /** Starts with `size` members, `node-1` being the one that asks. */
  constructor(tolerance: PartitionTolerance, size = 1) {
    this.#tolerance = tolerance;
    this.#add(size);
    this.ask({});
  }

  get serves(): boolean {
    return this.#previous?.kind === "serve";
  }

  /** Why it does not serve, or "". */
  get reason(): string {
    return this.#previous?.kind === "partitioned" ? this.#previous.reason : "";
  }

  /** New members come, all at once. */
  join(count = 1): boolean {
    return this.ask({ up: this.#add(count) });
  }

  /** The newest members die at once; they may come back. */
  die(count = 1): boolean {
    const down = this.#newest(count);
    for (const node of down) this.#alive.delete(node);
    return this.ask({ down });
  }

  /** The newest members leave. */
  leave(count = 1): boolean {
    const left = this.#newest(count);
    for (const node of left) {
      this.#alive.delete(node);
      this.#known.delete(node);
    }
    return this.ask({ left });
  }

  /** Those that died come back. */
  heal(): boolean {
    const up = [...this.#known].filter((node) => !this.#alive.has(node));
    for (const node of up) this.#alive.add(node);
    return this.ask({ up });
  }

  /** Asks with these changes; true if this side serves. */
  ask(changes: Partial<PartitionView>): boolean {
    this.#previous = this.#tolerance.evaluate({
      self: "node-1",
      alive: [...this.#alive],
      known: [...this.#known],
      storeReachable: undefined,
      up: [],
      down: [],
      left: [],
      previous: this.#previous,
      ...changes,
    });
    return this.serves;
  }

  #add(count: number): string[] {
    const added = Array.from({ length: count }, (_, nth) => `node-${this.#known.size + nth + 1}`);
    for (const node of added) {
      this.#alive.add(node);
      this.#known.add(node);
    }
    return added;
  }

  #newest(count: number): string[] {
    return [...this.#alive].slice(-count);
  }
}

/** Everything that a partition tolerance promises, whatever its rule. */
export function partitionToleranceSuite(options: PartitionToleranceSuiteOptions): void {
  const create = () => options.create(partitionToleranceHost());

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

    test("answers 2,000 random changes at once, and with a reason whenever it stops", () => {
      const tolerance = create();
      const prng = new Prng(11);
      let previous: PartitionDecision | undefined;
      let before: string[] = ["node-0"];
      for (let round = 0; round < 2_000; round += 1) {
        const known = Array.from({ length: 1 + prng.below(9) }, (_, at) => `node-${at}`);
        const alive = known.filter((_, at) => at === 0 || prng.below(2) === 0);
        const gone = before.filter((node) => !alive.includes(node));
        const view = Object.freeze({
          self: "node-0",
          alive,
          known,
          storeReachable: prng.pick([true, false, undefined]),
          up: alive.filter((node) => !before.includes(node)),
          down: gone.filter((node) => known.includes(node)),
          left: gone.filter((node) => !known.includes(node)),
          previous,
        });
        previous = tolerance.evaluate(view);
        if (previous.kind === "partitioned") expect(previous.reason).toMatch(/^[a-z0-9].*[^.]$/);
        else expect(previous).toEqual({ kind: "serve" });
        before = alive;
      }
    });

    test("decides the same twice if nothing has changed", () => {
      const tolerance = create();
      const alone = partitionView({ alive: ["node-a"], down: ["node-b", "node-c"] });
      tolerance.evaluate(partitionView());
      const previous = tolerance.evaluate({ ...alone, previous: { kind: "serve" } });
      expect(tolerance.evaluate({ ...alone, down: [], previous })).toEqual(previous);
    });

    test("goes on again once all is well again", () => {
      const tolerance = create();
      tolerance.evaluate(partitionView());
      const others = ["node-b", "node-c"];
      const previous = tolerance.evaluate(
        partitionView({
          alive: ["node-a"],
          storeReachable: false,
          down: others,
          previous: { kind: "serve" },
        }),
      );
      expect(tolerance.evaluate(partitionView({ up: others, previous })).kind).toBe("serve");
    });

    test("what is no memory of another member changes nothing and throws nothing", () => {
      const tolerance = create();
      tolerance.evaluate(partitionView());
      const prng = new Prng(3);
      for (let round = 0; round < 300; round += 1) {
        const bytes = Uint8Array.from({ length: prng.below(60) }, () => prng.below(256));
        expect(tolerance.memory?.merge(bytes) ?? false).toBe(false);
      }
      for (const text of [
        "{}",
        "[]",
        "null",
        '{"largest":1e99}',
        '{"down":[["x"]]}',
        "9".repeat(9),
      ]) {
        expect(tolerance.memory?.merge(Buffer.from(text)) ?? false).toBe(false);
      }
      expect(tolerance.evaluate(partitionView({ previous: { kind: "serve" } })).kind).toBe("serve");
    });

    test("its own memory is taken up by another of its kind, and is small", async () => {
      const [one, other] = [create(), create()];
      const nodes = Array.from({ length: 2_000 }, (_, at) => `node-with-a-long-name-${at}`);
      for (const each of [one, other]) await each.start?.(new AbortController().signal);
      one.evaluate(partitionView({ alive: nodes, known: nodes, up: nodes }));
      one.evaluate(partitionView({ known: nodes, down: nodes, previous: { kind: "serve" } }));
      const snapshot = one.memory?.snapshot() ?? new Uint8Array();
      expect(snapshot.length).toBeLessThanOrEqual(32 * 1024);
      expect(() => other.memory?.merge(snapshot)).not.toThrow();
      expect(other.memory?.merge(snapshot) ?? false).toBe(false);
    });

    test("starts although nothing was ever saved, and says why if what was saved is damaged", async () => {
      const signal = new AbortController().signal;
      await create().start?.(signal);
      const kept = { ...keptNothing(), bytes: Uint8Array.of(1, 2, 3) };
      const damaged = options.create(partitionToleranceHost({ kept }));
      // Whoever reads what was saved must not take damage for an absence.
      const outcome = await (damaged.start?.(signal) ?? Promise.resolve()).then(
        () => "started",
        (error: unknown) => error,
      );
      if (damaged.quorum === undefined) expect(outcome).toBe("started");
      else expect(outcome).toMatchObject({ code: "state.corrupt" });
    });
  });
}
