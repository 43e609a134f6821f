import { expect, test } from "bun:test";
import {
  balancerSuite,
  candidate,
  countChoices,
} from "../../../test/conformance/balancer.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

balancerSuite({ name: plugin.name, create: (host) => plugin.create({}, host) });

test("shares follow the weights", () => {
  const list = [candidate({ hostId: "one" }), candidate({ hostId: "three", weight: 3 })];
  const [one = 0, three = 0] = countChoices(plugin.create({}, recordingHost()), list, 20_000);
  expect(three / one).toBeGreaterThan(2.8);
  expect(three / one).toBeLessThan(3.2);
});
