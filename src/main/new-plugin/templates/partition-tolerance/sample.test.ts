import { expect, test } from "bun:test";
import {
  partitionToleranceSuite,
  partitionView,
} from "../../../../../test/conformance/partition-tolerance.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { partitionToleranceHost } from "../../../../../test/conformance/support/partition-tolerance-host.ts";
import plugin from "./plugin.ts";

partitionToleranceSuite({ name: plugin.name, create: () => plugin.create() });
pluginLifecycleSuite({ plugin, config: {}, host: partitionToleranceHost });

test("one of three members stops", () => {
  const view = partitionView({ alive: ["node-a"] });
  expect(plugin.create().evaluate(view).kind).toBe("partitioned");
});
