import { describe, expect, test } from "bun:test";
import {
  partitionToleranceSuite,
  WatchedCluster,
} from "../../../test/conformance/partition-tolerance.suite.ts";
import plugin from "./plugin.ts";

const config = { size: 2, startupConfirm: false };

partitionToleranceSuite({ name: plugin.name, create: () => plugin.create(config) });

function cluster(members: number, size: number, startupConfirm = false): WatchedCluster {
  return new WatchedCluster(plugin.create({ size, startupConfirm }), members);
}

describe("PH-27: a quorum of seven", () => {
  test("to be confirmed: stopped at 6, serves at 8 and at 7, stops at 6 again", () => {
    const seen = cluster(6, 7, true);
    expect(seen.serves).toBe(false);
    expect(seen.join(2)).toBe(true);
    expect(seen.die()).toBe(true);
    expect(seen.die()).toBe(false);
    expect(seen.reason).toBe("6 members can be reached, and 7 have to be");
  });

  test("7 of 8: exactly as many as are wanted are enough", () => {
    const seen = cluster(8, 7);
    expect(seen.die()).toBe(true);
    expect(seen.die()).toBe(false);
    expect(seen.heal()).toBe(true);
  });

  test("members that leave count as members that die", () => {
    const seen = cluster(7, 7);
    expect(seen.leave()).toBe(false);
    expect(seen.join()).toBe(true);
  });
});

describe("without confirmation", () => {
  test("a cluster serves while it grows, and stops when it shrinks before it was complete", () => {
    const seen = cluster(1, 5);
    expect(seen.serves).toBe(true);
    expect(seen.join()).toBe(true);
    expect(seen.join()).toBe(true);
    expect(seen.die()).toBe(false);
    expect(seen.reason).toBe("2 members can be reached, and 5 have to be");
  });

  test("a side that stopped stays so until enough have come, whatever else is asked", () => {
    const seen = cluster(5, 5);
    expect(seen.die(4)).toBe(false);
    expect(seen.reason).toBe("1 member can be reached, and 5 have to be");
    expect(seen.ask({ storeReachable: true })).toBe(false);
    expect(seen.join()).toBe(false);
    expect(seen.join(3)).toBe(true);
  });
});
