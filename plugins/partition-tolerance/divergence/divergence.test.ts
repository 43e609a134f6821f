import { expect, test } from "bun:test";
import type { PartitionTolerance } from "../../../src/contract/index.ts";
import {
  partitionToleranceSuite,
  partitionView,
  WatchedCluster,
} from "../../../test/conformance/partition-tolerance.suite.ts";
import plugin from "./plugin.ts";

partitionToleranceSuite({ name: plugin.name, create: () => plugin.create() });

test("goes on although it is alone and the store is away", () => {
  const tolerance: PartitionTolerance = plugin.create();
  const view = partitionView({ alive: ["node-a"], storeReachable: false });
  expect(tolerance.evaluate(view)).toEqual({ kind: "serve" });
});

test("PH-26: six members that go one by one never stop it", () => {
  const seen = new WatchedCluster(plugin.create(), 7);
  for (let lost = 0; lost < 6; lost += 1) expect(seen.die()).toBe(true);
  expect(seen.heal()).toBe(true);
});
