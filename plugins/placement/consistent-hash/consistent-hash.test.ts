import { describe, expect, test } from "bun:test";
import {
  members,
  placeAll,
  placementSuite,
  placementView,
} from "../../../test/conformance/placement.suite.ts";
import plugin from "./plugin.ts";

const config = { virtualNodes: 256 };

placementSuite({
  name: plugin.name,
  create: () => plugin.create(config),
  // With 256 points a member's share strays by some 6 percent.
  bounds: { maxShare: 1.2, maxFailoverShare: 2.5, weightTolerance: 0.2, even: false },
});

// Reckoned by an independent program over BigInt and the runtime's own xxHash64.
describe("the frozen definition, version 1", () => {
  const view = placementView(members(5));
  const weighted = placementView(members(5).map((each, at) => ({ ...each, weight: at + 1 })));
  const owners = (type: string, key: string, from = view, virtualNodes = 256) =>
    plugin
      .create({ virtualNodes })
      .owners({ system: "any", type, key }, from, 5)
      .map((nodeId) => Number(nodeId.slice(-1)));

  test.each([
    ["order", "1", [1, 0, 3, 2, 4], [3, 4, 1, 0, 2], [4, 3, 1, 2, 0]],
    ["order", "2", [3, 4, 2, 0, 1], [3, 1, 4, 2, 0], [0, 4, 3, 1, 2]],
    ["cart", "é/ü", [0, 2, 1, 3, 4], [3, 4, 2, 0, 1], [1, 2, 0, 4, 3]],
    ["a", "", [3, 2, 0, 4, 1], [2, 4, 3, 0, 1], [2, 0, 4, 3, 1]],
  ])("vectors of %s/%s", (type, key, plain, byWeight, onePoint) => {
    expect(owners(type, key)).toEqual(plain);
    expect(owners(type, key, weighted)).toEqual(byWeight);
    expect(owners(type, key, view, 1)).toEqual(onePoint);
  });
});

test("PH-16: a member that joins takes at most 1.2 of its fair part, and replicas are distinct", () => {
  const placement = plugin.create({ virtualNodes: 1_024 });
  const before = placeAll(placement, placementView(members(9)), 30_000);
  const after = placeAll(placement, placementView(members(10), 2), 30_000);
  const moved = before.filter((owner, at) => owner !== after[at]).length;
  expect(moved).toBeLessThanOrEqual((30_000 / 10) * 1.2);
  const three = placement.owners(
    { system: "s", type: "t", key: "k" },
    placementView(members(9)),
    3,
  );
  expect(new Set(three).size).toBe(3);
});

test("a member of any weight has at least one point and no more than the ring can hold", () => {
  const light = { nodeId: "light", weight: 0.0001, tags: {} };
  const heavy = { nodeId: "heavy", weight: 1e9, tags: {} };
  const placed = placeAll(plugin.create(config), placementView([heavy, light]), 2_000);
  expect(placed).toContain("heavy");
  expect(
    plugin.create(config).owners({ system: "s", type: "t", key: "k" }, placementView([light]), 1),
  ).toEqual(["light"]);
});
