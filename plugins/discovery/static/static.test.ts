import { expect, test } from "bun:test";
import type { Seed } from "../../../src/contract/index.ts";
import { discoverySuite } from "../../../test/conformance/discovery.suite.ts";
import { discoveryHost } from "../../../test/conformance/support/discovery-host.ts";
import plugin from "./plugin.ts";

let configured: readonly Seed[] = [];

discoverySuite({
  name: plugin.name,
  source: () => ({
    hold(seeds) {
      configured = seeds;
    },
    host: {
      get seeds() {
        return configured;
      },
    },
    stop: () => undefined,
  }),
  create: (host) => plugin.create({}, host),
  fixed: true,
  near: true,
  timeoutMs: 0,
});

test("an address that is written twice is found once, and what is none is left out", async () => {
  const seeds = [
    { host: "node-b", port: 7702 },
    { host: "NODE-B", port: 7702 },
    { host: "node-b", port: 7703 },
    { host: "::1", port: 7702 },
    { host: "node c", port: 7702 },
    { host: "node-d", port: 0 },
    { host: "node-d", port: 70_000 },
    { host: "", port: 1 },
  ];
  const found = await plugin.create({}, discoveryHost({ seeds })).find();
  expect(found).toEqual([
    { host: "node-b", port: 7702 },
    { host: "node-b", port: 7703 },
    { host: "::1", port: 7702 },
  ]);
});

test("no more than 10,000 are found", async () => {
  const seeds = Array.from({ length: 10_500 }, (_, at) => ({ host: `node-${at}`, port: 7702 }));
  expect(await plugin.create({}, discoveryHost({ seeds })).find()).toHaveLength(10_000);
});
