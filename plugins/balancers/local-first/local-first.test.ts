import { expect, test } from "bun:test";
import {
  balancerSuite,
  candidate,
  countChoices,
} from "../../../test/conformance/balancer.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

balancerSuite({ name: plugin.name, create: (host) => plugin.create({}, host) });

const near = candidate({ hostId: "near", local: true, inFlight: 50 });
const far = candidate({ hostId: "far", local: false });

test("a host of this node is taken although another one has less to do", () => {
  expect(countChoices(plugin.create({}, recordingHost()), [far, near], 100)).toEqual([0, 100]);
});

test("another node's host is taken once the local ones have no credit", () => {
  const list = [{ ...near, credit: 0 }, far];
  expect(countChoices(plugin.create({}, recordingHost()), list, 100)).toEqual([0, 100]);
});
