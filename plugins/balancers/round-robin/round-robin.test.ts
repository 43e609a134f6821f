import { expect, test } from "bun:test";
import {
  balancerSuite,
  candidate,
  candidates,
  countChoices,
} from "../../../test/conformance/balancer.suite.ts";
import plugin from "./plugin.ts";

balancerSuite({ name: plugin.name, create: () => plugin.create(), maxShare: 1.01 });

test("equal hosts are taken in turn", () => {
  const balancer = plugin.create();
  const list = candidates(3);
  const order = Array.from({ length: 7 }, () => balancer.choose("order", list));
  expect(order).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test("weights are kept exactly, and the heavy host is not taken in bursts", () => {
  const balancer = plugin.create();
  const list = [candidate({ hostId: "a", weight: 5 }), ...candidates(2)];
  expect(countChoices(balancer, list, 7)).toEqual([5, 1, 1]);
  const order = Array.from({ length: 7 }, () => balancer.choose("order", list)).join("");
  expect(order).not.toContain("0000");
});
