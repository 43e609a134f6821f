import { expect, test } from "bun:test";
import {
  partitionToleranceSuite,
  partitionView,
} from "../../../test/conformance/partition-tolerance.suite.ts";
import plugin from "./plugin.ts";

partitionToleranceSuite({ name: plugin.name, create: () => plugin.create() });

test("stops when the store is away, however many members are alive", () => {
  expect(plugin.create().evaluate(partitionView({ storeReachable: false }))).toEqual({
    kind: "partitioned",
    reason: "the shared store cannot be reached",
  });
});

test("goes on alone as long as the store answers", () => {
  expect(plugin.create().evaluate(partitionView({ alive: ["node-a"] })).kind).toBe("serve");
});

test("goes on without a shared store", () => {
  const view = partitionView({ alive: ["node-a"], storeReachable: undefined });
  expect(plugin.create().evaluate(view).kind).toBe("serve");
});
