import { describe, expect, test } from "bun:test";
import {
  partitionToleranceSuite,
  WatchedCluster,
} from "../../../test/conformance/partition-tolerance.suite.ts";
import { partitionToleranceHost } from "../../../test/conformance/support/partition-tolerance-host.ts";
import { VirtualClock } from "../../../test/conformance/support/virtual-clock.ts";
import plugin from "./plugin.ts";

const config = { percent: 60, threshold: 30_000 };

partitionToleranceSuite({
  name: plugin.name,
  create: (host) => plugin.create(config, host),
});

function made(percent: number, threshold = 3_600_000) {
  const clock = new VirtualClock();
  const tolerance = plugin.create({ percent, threshold }, partitionToleranceHost({ clock }));
  return { clock, tolerance };
}

describe("PH-28: 80 percent of ten", () => {
  test("10, 9 and 8 serve, 7 stop", () => {
    const seen = new WatchedCluster(made(80).tolerance, 10);
    expect(seen.die()).toBe(true);
    expect(seen.die()).toBe(true);
    expect(seen.die()).toBe(false);
    expect(seen.reason).toBe(
      "7 members can be reached, and of the 10 that were there lately 80 % have to be",
    );
  });

  test("the same for members that leave, and all at once", () => {
    expect(new WatchedCluster(made(80).tolerance, 10).leave(2)).toBe(true);
    expect(new WatchedCluster(made(80).tolerance, 10).leave(3)).toBe(false);
    expect(new WatchedCluster(made(80).tolerance, 10).die(3)).toBe(false);
  });

  test("whoever returns is no loss any more", () => {
    const seen = new WatchedCluster(made(80).tolerance, 10);
    expect(seen.die(3)).toBe(false);
    expect(seen.heal()).toBe(true);
    expect(seen.die(2)).toBe(true);
  });
});

describe("the threshold", () => {
  test("losing one member at a time, each after it, never stops", async () => {
    const { clock, tolerance } = made(80, 30_000);
    const seen = new WatchedCluster(tolerance, 10);
    for (let left = 9; left >= 5; left -= 1) {
      expect(seen.die()).toBe(true);
      await clock.advance(30_001);
    }
  });

  test("an entry counts for exactly so long", async () => {
    const { clock, tolerance } = made(80, 30_000);
    const seen = new WatchedCluster(tolerance, 10);
    expect(seen.die(2)).toBe(true);
    await clock.advance(30_000);
    expect(seen.die()).toBe(false);
  });

  test("an entry that has become too old ends no partition by itself", async () => {
    const { clock, tolerance } = made(80, 30_000);
    const seen = new WatchedCluster(tolerance, 10);
    expect(seen.die(5)).toBe(false);
    await clock.advance(3_600_000);
    expect(seen.ask({})).toBe(false);
    expect(seen.join()).toBe(true);
  });
});

describe("what a newcomer is told", () => {
  test("a longer log takes the place of its own", async () => {
    const [old, fresh] = [made(80, 30_000), made(80, 30_000)];
    const seen = new WatchedCluster(old.tolerance, 10);
    seen.die(2);
    await old.clock.advance(10_000);
    await fresh.clock.advance(500_000);
    fresh.tolerance.memory.merge(old.tolerance.memory.snapshot());
    const joined = new WatchedCluster(fresh.tolerance, 8);
    // Eight of ten serve; one more is one too many, as it is for the others.
    expect(joined.die()).toBe(false);
    expect(seen.die()).toBe(false);
    await fresh.clock.advance(20_001);
    expect(joined.heal()).toBe(true);
    expect(joined.die()).toBe(true);
  });

  test("a shorter log is no news", () => {
    const [long, short] = [made(80), made(80)];
    const seen = new WatchedCluster(long.tolerance, 10);
    seen.die(2);
    new WatchedCluster(short.tolerance, 3).die();
    long.tolerance.memory.merge(short.tolerance.memory.snapshot());
    expect(seen.die()).toBe(false);
  });
});

test("a node that starts alone serves, since nobody is missing", () => {
  expect(new WatchedCluster(made(100).tolerance).serves).toBe(true);
});
