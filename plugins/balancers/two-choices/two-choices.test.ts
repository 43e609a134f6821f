import { expect, test } from "bun:test";
import {
  balancerSuite,
  candidate,
  candidates,
  countChoices,
} from "../../../test/conformance/balancer.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import plugin from "./plugin.ts";

balancerSuite({ name: plugin.name, create: (host) => plugin.create({}, host) });

test("of two hosts the less loaded one is always taken", () => {
  const balancer = plugin.create({}, recordingHost());
  const list = [candidate({ hostId: "busy", inFlight: 9 }), candidate({ hostId: "idle" })];
  expect(countChoices(balancer, list, 100)).toEqual([0, 100]);
});

test("load is relative to weight", () => {
  const balancer = plugin.create({}, recordingHost());
  const list = [
    candidate({ hostId: "small", inFlight: 3 }),
    candidate({ hostId: "large", inFlight: 6, weight: 4 }),
  ];
  expect(countChoices(balancer, list, 100)).toEqual([0, 100]);
});

test("with calls that stay, the fullest of 50 hosts is within 3 of the mean", () => {
  const balancer = plugin.create({}, recordingHost({ seed: 5 }));
  const loads = new Array<number>(50).fill(0);
  for (let call = 0; call < 50 * 40; call += 1) {
    const list = candidates(50).map((each, at) => ({ ...each, inFlight: loads[at] ?? 0 }));
    const chosen = balancer.choose("order", list);
    loads[chosen] = (loads[chosen] ?? 0) + 1;
  }
  expect(Math.max(...loads)).toBeLessThanOrEqual(43);
});
