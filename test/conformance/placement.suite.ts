import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type {
  ActorId,
  MemberLoad,
  Placement,
  PlacementHost,
  PlacementMember,
  PlacementView,
} from "../../src/contract/index.ts";
import { Prng } from "../support/prng.ts";
import { recordingHost } from "./support/recording-host.ts";

/** What the suite needs of a placement. */
export interface PlacementSuiteOptions {
  readonly name: string;
  readonly create: (host: PlacementHost) => Placement;
  /** Bounds of strategies that are less even than rendezvous hashing. */
  readonly bounds?: Partial<PlacementBounds>;
}

/** How even a strategy has to be; the defaults are those of rendezvous hashing. */
export interface PlacementBounds {
  /** Fullest of 20 members by the mean, with 2,000 actors each. */
  readonly maxShare: number;
  /** Largest part of a lost member's actors that one of 19 survivors takes, by the fair part. */
  readonly maxFailoverShare: number;
  /** How far a share may be from its weight. */
  readonly weightTolerance: number;
  /** Actors that move although neither their old nor their new owner has changed. */
  readonly needlessMoves: number;
  /** Shares differ from each other by chance alone: they pass a χ² test. */
  readonly even: boolean;
}

const DEFAULT_BOUNDS: PlacementBounds = {
  maxShare: 1.1,
  maxFailoverShare: 1.3,
  weightTolerance: 0.05,
  needlessMoves: 0,
  even: true,
};

/** χ² with 99 degrees of freedom is above this once in a thousand times. */
const CHI_SQUARE_99 = 148.2;

/** `count` ordinary members, ordered by node id. */
export function members(count: number): PlacementMember[] {
  return Array.from({ length: count }, (_, at) => ({
    nodeId: `node-${String(at).padStart(4, "0")}`,
    weight: 1,
    tags: {},
  }));
}

/** A view of these members. */
export function placementView(list: readonly PlacementMember[], version = 1): PlacementView {
  return { version, members: list };
}

/** The nth of an endless row of actors. */
export function actorNumber(nth: number): ActorId {
  return { system: "test", type: nth % 3 === 0 ? "order" : "cart", key: `key-${nth}` };
}

/** The first owner of the first `actors` actors. */
export function placeAll(placement: Placement, view: PlacementView, actors: number): string[] {
  return Array.from(
    { length: actors },
    (_, nth) => placement.owners(actorNumber(nth), view, 1)[0] ?? "",
  );
}

/** Everything that a placement promises, whatever its strategy (P1 to P7). */
export function placementSuite(options: PlacementSuiteOptions): void {
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
  const create = () => options.create(recordingHost());

  describe(`placement ${options.name}`, () => {
    test("P1: every node gives the same answer, whatever the order of the members", () => {
      const prng = new Prng(1);
      const view = placementView(members(12));
      const expected = placeAll(create(), view, 500);
      for (let round = 0; round < 5; round += 1) {
        const shuffled = [...view.members].sort(() => prng.unit() - 0.5);
        expect(placeAll(create(), placementView(shuffled), 500)).toEqual(expected);
      }
    });

    test("P1: an answer does not depend on earlier questions or other views", () => {
      const placement = create();
      const small = placementView(members(5));
      const large = placementView(members(9), 2);
      const expected = placeAll(create(), small, 300);
      placeAll(placement, large, 300);
      expect(placeAll(placement, small, 300)).toEqual(expected);
      placeAll(placement, large, 300);
      expect(placeAll(placement, small, 300)).toEqual(expected);
    });

    laws(create);
    minimalDisruption(create, bounds);
    shares(create, bounds);
    ownerLists(create);
    loadFigures(create);
  });
}

const someMembers = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }), {
    minLength: 1,
    maxLength: 12,
  })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((nodeId) =>
        fc.record({ nodeId: fc.constant(nodeId), weight: fc.integer({ min: 1, max: 9 }) }),
      ),
    ),
  )
  .map((list) => list.map((each): PlacementMember => ({ ...each, tags: {} })));

const someActors = fc.array(
  fc.record({
    system: fc.constant("test"),
    type: fc.stringMatching(/^[a-z]{1,12}$/),
    key: fc.string({ maxLength: 40, unit: "grapheme" }),
  }),
  { minLength: 1, maxLength: 20 },
);

/** What holds of any members and any actors. */
function laws(create: () => Placement): void {
  test("P1, P5: any members in any order give the same distinct members of the view", () => {
    fc.assert(
      fc.property(someMembers, someActors, fc.integer(), (list, actors, seed) => {
        const placement = create();
        const prng = new Prng(seed);
        const shuffled = placementView([...list].sort(() => prng.unit() - 0.5));
        const ids = new Set(list.map(({ nodeId }) => nodeId));
        for (const actor of actors) {
          const owners = placement.owners(actor, placementView(list), list.length);
          expect(create().owners(actor, shuffled, list.length)).toEqual(owners);
          expect(new Set(owners).size).toBe(owners.length);
          expect(owners.every((nodeId) => ids.has(nodeId))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("P2: whoever leaves, the order of the others stays", () => {
    fc.assert(
      fc.property(someMembers, someActors, fc.nat(), (list, actors, pick) => {
        const victim = list[pick % list.length]?.nodeId;
        const left = placementView(
          list.filter(({ nodeId }) => nodeId !== victim),
          2,
        );
        const placement = create();
        for (const actor of actors) {
          const before = placement.owners(actor, placementView(list), list.length);
          const after = placement.owners(actor, left, list.length);
          expect(after).toEqual(before.filter((nodeId) => nodeId !== victim));
        }
      }),
      { numRuns: 60 },
    );
  });
}

/** Figures of load that differ much. */
function someLoads(list: readonly PlacementMember[], seed: number): Map<string, MemberLoad> {
  const prng = new Prng(seed);
  return new Map(
    list.map(({ nodeId }) => [
      nodeId,
      {
        loopLagMs: prng.below(500),
        activations: prng.below(50_000),
        residentBytes: prng.below(8) * 1024 ** 3,
      },
    ]),
  );
}

function loadFigures(create: () => Placement): void {
  test("figures of load change an answer only if it is decided once", () => {
    const list = members(12);
    const plain = placementView(list);
    const loaded: PlacementView = { ...plain, version: 2, loads: someLoads(list, 5) };
    const placed = placeAll(create(), loaded, 500);
    expect(placeAll(create(), loaded, 500)).toEqual(placed);
    const placement = create();
    const same = placeAll(placement, plain, 500).join() === placed.join();
    expect(same).toBe(placement.decidedOnce !== true);
  });

  test("no figure of load makes a member vanish or an answer fail", () => {
    const list = members(4);
    const odd: MemberLoad = { loopLagMs: NaN, activations: Infinity, residentBytes: -1 };
    const loads = new Map([["node-0000", odd]]);
    const placed = counts(placeAll(create(), { ...placementView(list), loads }, 4_000));
    expect(placed.size).toBe(4);
  });
}

function minimalDisruption(create: () => Placement, bounds: PlacementBounds): void {
  test("P2: when a member leaves, only its actors move", () => {
    const all = members(20);
    const before = placeAll(create(), placementView(all), 5_000);
    const left = all.filter((_, at) => at !== 7);
    const after = placeAll(create(), placementView(left, 2), 5_000);
    const victim = all[7]?.nodeId ?? "";
    const needless = before.filter((owner, at) => owner !== victim && owner !== after[at]);
    expect(needless.length).toBeLessThanOrEqual(bounds.needlessMoves * 5_000);
    expect(after).not.toContain(victim);
  });

  test("P2: when a member joins, actors move to it alone", () => {
    const all = members(20);
    const before = placeAll(create(), placementView(all.slice(0, 19)), 5_000);
    const after = placeAll(create(), placementView(all, 2), 5_000);
    const joiner = all[19]?.nodeId ?? "";
    const needless = after.filter((owner, at) => owner !== joiner && owner !== before[at]);
    expect(needless.length).toBeLessThanOrEqual(bounds.needlessMoves * 5_000);
    expect(after).toContain(joiner);
  });

  test("P6: the actors of a lost member spread over all survivors", () => {
    const all = members(20);
    const before = placeAll(create(), placementView(all), 40_000);
    const after = placeAll(create(), placementView(all.slice(1), 2), 40_000);
    const victim = all[0]?.nodeId;
    const takers = counts(after.filter((_, at) => before[at] === victim));
    const lost = before.filter((owner) => owner === victim).length;
    expect(takers.size).toBe(19);
    expect(Math.max(...takers.values())).toBeLessThan((lost / 19) * bounds.maxFailoverShare + 10);
  });
}

function shares(create: () => Placement, bounds: PlacementBounds): void {
  test("P3: equal members get equal shares", () => {
    const placed = counts(placeAll(create(), placementView(members(20)), 40_000));
    expect(placed.size).toBe(20);
    expect(Math.max(...placed.values()) / 2_000).toBeLessThan(bounds.maxShare);
  });

  if (bounds.even) evenShares(create);

  test("P4: shares follow the weights", () => {
    const weights = [1, 1, 2, 4];
    const list = members(4).map((each, at) => ({ ...each, weight: weights[at] ?? 1 }));
    const placed = counts(placeAll(create(), placementView(list), 40_000));
    list.forEach((each) => {
      const share = (placed.get(each.nodeId) ?? 0) / ((40_000 * each.weight) / 8);
      expect(Math.abs(share - 1)).toBeLessThan(bounds.weightTolerance);
    });
  });
}

function evenShares(create: () => Placement): void {
  test("P3: the shares of 100 members differ by chance alone", () => {
    const mean = 1_000;
    const placed = counts(placeAll(create(), placementView(members(100)), 100 * mean));
    let chiSquare = 0;
    for (const each of placed.values()) chiSquare += (each - mean) ** 2 / mean;
    expect(placed.size).toBe(100);
    expect(chiSquare).toBeLessThan(CHI_SQUARE_99);
  });
}

function ownerLists(create: () => Placement): void {
  test("P5: owners are distinct, and a shorter list is the beginning of a longer one", () => {
    const placement = create();
    const view = placementView(members(6));
    for (let nth = 0; nth < 300; nth += 1) {
      const all = placement.owners(actorNumber(nth), view, 6);
      expect(new Set(all).size).toBe(6);
      for (const count of [1, 2, 3]) {
        expect(placement.owners(actorNumber(nth), view, count)).toEqual(all.slice(0, count));
      }
    }
  });

  test("P7: no member gives no owner, one member owns all, and more are not invented", () => {
    const placement = create();
    const one = placementView(members(1), 2);
    expect(placement.owners(actorNumber(1), placementView([]), 3)).toEqual([]);
    expect(placement.owners(actorNumber(1), one, 1)).toEqual(["node-0000"]);
    expect(placement.owners(actorNumber(1), one, 3)).toEqual(["node-0000"]);
    expect(placement.owners(actorNumber(1), one, 0)).toEqual([]);
  });

  test("type and key are kept apart, and the longest key is placed", () => {
    const placement = create();
    const view = placementView(members(50));
    const owners = (type: string, key: string) =>
      placement.owners({ system: "test", type, key }, view, 50).join();
    expect(owners("ab", "c")).not.toBe(owners("a", "bc"));
    expect(owners("t".repeat(63), "ä".repeat(127))).toContain("node-0000");
  });
}

function counts(owners: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const owner of owners) found.set(owner, (found.get(owner) ?? 0) + 1);
  return found;
}
