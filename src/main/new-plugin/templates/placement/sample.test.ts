import { expect, test } from "bun:test";
import {
  actorNumber,
  members,
  placementSuite,
  placementView,
} from "../../../../../test/conformance/placement.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { recordingHost } from "../../../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

placementSuite({ name: plugin.name, create: () => plugin.create() });
pluginLifecycleSuite({ plugin, config: {}, host: recordingHost });

test("no more owners are named than are asked for", () => {
  const view = placementView(members(3));
  expect(plugin.create().owners(actorNumber(1), view, 2)).toHaveLength(2);
});
