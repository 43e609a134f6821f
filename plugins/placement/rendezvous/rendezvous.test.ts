import { describe, expect, test } from "bun:test";
import {
  actorNumber,
  members,
  placeAll,
  placementSuite,
  placementView,
} from "../../../test/conformance/placement.suite.ts";
import { Prng } from "../../../test/support/prng.ts";
import plugin from "./plugin.ts";
import { portableLn, weightedScore } from "../kit/rendezvous-score.ts";

placementSuite({ name: plugin.name, create: () => plugin.create({ slotsAbove: 256 }) });
placementSuite({
  name: `${plugin.name} by slots`,
  create: () => plugin.create({ slotsAbove: 0 }),
  // 100 members share 65,536 slots, of which one may have a few more than another.
  bounds: { even: false },
});

// Reckoned by an independent program over BigInt and the runtime's own xxHash64 and Math.log.
describe("the frozen definition, version 1", () => {
  const view = placementView(members(5));
  const weighted = placementView(members(5).map((each, at) => ({ ...each, weight: at + 1 })));
  const owners = (type: string, key: string, from = view, slotsAbove = 256) =>
    plugin.create({ slotsAbove }).owners({ system: "any", type, key }, from, 5).map(lastDigit);

  test.each([
    ["order", "1", [0, 3, 4, 1, 2], [4, 3, 0, 2, 1], [2, 0, 3, 4, 1]],
    ["order", "2", [1, 4, 0, 2, 3], [1, 4, 2, 3, 0], [0, 1, 4, 3, 2]],
    ["cart", "é/ü", [3, 2, 1, 0, 4], [3, 2, 4, 1, 0], [2, 4, 3, 0, 1]],
    ["a", "", [3, 4, 0, 1, 2], [3, 4, 2, 1, 0], [3, 0, 1, 2, 4]],
  ])("vectors of %s/%s", (type, key, plain, byWeight, bySlot) => {
    expect(owners(type, key)).toEqual(plain);
    expect(owners(type, key, weighted)).toEqual(byWeight);
    expect(owners(type, key, view, 0)).toEqual(bySlot);
  });

  test("the system takes no part", () => {
    const placement = plugin.create({ slotsAbove: 256 });
    const a = placement.owners({ system: "a", type: "order", key: "1" }, view, 5);
    expect(placement.owners({ system: "b", type: "order", key: "1" }, view, 5)).toEqual(a);
  });
});

describe("the score", () => {
  test("the portable logarithm agrees with the engine's to 15 digits", () => {
    for (const value of [1e-16, 1e-9, 0.001, 0.3, 0.5, 0.70710678, 0.9, 0.999999, 1 - 2 ** -53]) {
      expect(Math.abs(portableLn(value) / Math.log(value) - 1)).toBeLessThan(1e-15);
    }
  });

  test("grows with the hash, and is defined at both ends", () => {
    const lowest = weightedScore({ hi: 0, lo: 0 }, 1);
    const highest = weightedScore({ hi: 0xffffffff, lo: 0xffffffff }, 1);
    expect(lowest).toBeGreaterThan(0);
    expect(lowest).toBeLessThan(weightedScore({ hi: 1, lo: 0 }, 1));
    expect(highest).toBe(Infinity);
  });

  test("equal weights give the same order whatever the weight", () => {
    const heavy = members(9).map((each) => ({ ...each, weight: 3 }));
    const placement = plugin.create({ slotsAbove: 256 });
    expect(placeAll(placement, placementView(heavy), 500)).toEqual(
      placeAll(placement, placementView(members(9)), 500),
    );
  });
});

test("P4: of 400,000 actors shares differ from the weights by chance alone", () => {
  const weights = [1, 1, 2, 4];
  const list = members(4).map((each, at) => ({ ...each, weight: weights[at] ?? 1 }));
  const placed = placeAll(plugin.create({ slotsAbove: 256 }), placementView(list), 400_000);
  for (const { nodeId, weight } of list) {
    const part = weight / 8;
    const deviation = Math.sqrt((1 - part) / (400_000 * part));
    const share = placed.filter((owner) => owner === nodeId).length / (400_000 * part);
    expect(Math.abs(share - 1)).toBeLessThan(4 * deviation);
  }
});

test("300 members are placed by slots, evenly, and only a leaver's actors move", () => {
  const placement = plugin.create({ slotsAbove: 256 });
  const all = members(300);
  const before = placeAll(placement, placementView(all), 30_000);
  const after = placeAll(placement, placementView(all.slice(1), 2), 30_000);
  expect(new Set(before).size).toBe(300);
  before.forEach((owner, at) => {
    if (owner !== all[0]?.nodeId) expect(after[at]).toBe(owner);
  });
  const first = placement.owners(actorNumber(5), placementView(all), 3);
  expect(first[0]).toBe(before[5] ?? "");
});

function lastDigit(nodeId: string): number {
  return Number(nodeId.slice(-1));
}

describe("a table of slots that grew out of another", () => {
  test("answers as one that is made anew, whatever came and went", () => {
    const prng = new Prng(7);
    const grown = plugin.create({ slotsAbove: 0 });
    let list = members(12);
    for (let round = 0; round < 30; round += 1) {
      const at = prng.below(list.length);
      if (prng.below(3) === 0) list = list.filter((_, nth) => nth !== at || list.length === 1);
      else if (prng.below(2) === 0) {
        list = list.map((each, nth) =>
          nth === at ? { ...each, weight: 1 + prng.below(3) } : each,
        );
      } else list = [...list, { nodeId: `late-${round}`, weight: 1, tags: {} }];
      const view = placementView(list, round + 2);
      const fresh = plugin.create({ slotsAbove: 0 });
      expect(placeAll(grown, view, 300)).toEqual(placeAll(fresh, view, 300));
    }
  });

  test("keeps its answers for the views before it", () => {
    const placement = plugin.create({ slotsAbove: 0 });
    const [small, large] = [placementView(members(5)), placementView(members(6), 2)];
    const before = placeAll(placement, small, 300);
    placeAll(placement, large, 300);
    expect(placeAll(placement, small, 300)).toEqual(before);
  });
});
