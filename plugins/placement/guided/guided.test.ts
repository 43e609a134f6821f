import { describe, expect, test } from "bun:test";
import {
  actorNumber,
  members,
  placeAll,
  placementSuite,
  placementView,
} from "../../../test/conformance/placement.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import rendezvous from "../rendezvous/plugin.ts";
import plugin from "./plugin.ts";

const MAP = {
  "shop/order/7": "node-0002|node-0001",
  "shop/order/*": "node-0003",
  "shop/order/8*": "node-0000",
  "shop/*": "node-0001",
};

function guided(map: Record<string, string>, fallback: "rendezvous" | "none" = "rendezvous") {
  return plugin.create({ map, fallback, slotsAbove: 256 }, recordingHost());
}

placementSuite({ name: plugin.name, create: () => guided(MAP) });

const order = (key: string, system = "shop") => ({ system, type: "order", key });
const view = placementView(members(4));

describe("the map", () => {
  test.each([
    ["7", ["node-0002", "node-0001"]],
    ["70", ["node-0003"]],
    ["81", ["node-0000"]],
    ["a/b", ["node-0003"]],
  ])("the most exact entry counts: order %s", (key, expected) => {
    expect(guided(MAP, "none").owners(order(key), view, 2)).toEqual(expected);
  });

  test("PH-14: exactly the mapped members own, and nobody else where there is no fallback", () => {
    const placement = guided(MAP, "none");
    const without2 = placementView(members(4).filter(({ nodeId }) => nodeId !== "node-0002"));
    expect(placement.owners(order("7"), view, 1)).toEqual(["node-0002"]);
    expect(placement.owners(order("7"), without2, 2)).toEqual(["node-0001"]);
    expect(placement.owners(order("7", "other"), view, 2)).toEqual([]);
    expect(placement.owners(order("70"), placementView(members(2)), 2)).toEqual([]);
  });

  test("PH-14: a mapped member that returns is the owner again", () => {
    const placement = guided(MAP);
    const gone = placementView(members(4).slice(0, 2), 2);
    expect(placement.owners(order("7"), gone, 1)).toEqual(["node-0001"]);
    expect(placement.owners(order("7"), placementView(members(4), 3), 1)).toEqual(["node-0002"]);
  });

  test("the fallback is rendezvous hashing over all others, each once", () => {
    const owners = guided(MAP).owners(order("7"), view, 4);
    expect(owners.slice(0, 2)).toEqual(["node-0002", "node-0001"]);
    expect([...owners].sort()).toEqual(members(4).map(({ nodeId }) => nodeId));
    const plain = rendezvous.create({ slotsAbove: 256 });
    expect(placeAll(guided(MAP), view, 200)).toEqual(placeAll(plain, view, 200));
    expect(guided(MAP).owners(actorNumber(3), view, 0)).toEqual([]);
  });
});

test.each([
  ["PH-14: an entry without a member", { "a/b/c": "" }, "a/b/c names a member without a name"],
  ["an empty place in a list", { "a/b/c": "x||y" }, "a/b/c names a member without a name"],
  ["PH-14: a member twice", { "a/b/c": "x|x" }, "a/b/c names a member twice"],
  ["PH-14: no node name", { "a/b/c": "x y" }, "a/b/c names x y, which is no node name"],
  ["PH-14: no actor", { "a/b": "x" }, "a/b is not of the form system/type/key"],
  ["a star inside", { "a/*/c": "x" }, "a/*/c has a * that is not at its end"],
])("refuses %s", (_, map: Record<string, string>, message) => {
  expect(() => guided(map)).toThrow(`the map of actors: ${message}`);
});
