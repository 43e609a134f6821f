import { expect, test } from "bun:test";
import { balancerSuite, candidate } from "../../../../../test/conformance/balancer.suite.ts";
import { pluginLifecycleSuite } from "../../../../../test/conformance/plugin-lifecycle.suite.ts";
import { recordingHost } from "../../../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

balancerSuite({ name: plugin.name, create: (host) => plugin.create({}, host) });
pluginLifecycleSuite({ plugin, config: {}, host: recordingHost });

test("a host without credit is passed over while another has some", () => {
  const list = [candidate({ credit: 0 }), candidate({ hostId: "open" })];
  expect(plugin.create({}, recordingHost()).choose("order", list)).toBe(1);
});
