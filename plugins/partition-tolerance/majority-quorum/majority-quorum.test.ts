import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  partitionToleranceSuite,
  WatchedCluster,
} from "../../../test/conformance/partition-tolerance.suite.ts";
import {
  keptNothing,
  partitionToleranceHost,
} from "../../../test/conformance/support/partition-tolerance-host.ts";
import { mergeSizes, readSize, writeSize } from "./cluster-size.ts";
import plugin from "./plugin.ts";

const config = { initialClusterSize: 1, trackMaxSize: true };

partitionToleranceSuite({ name: plugin.name, create: (host) => plugin.create(config, host) });

function made(changes: Partial<typeof config> = {}, kept = keptNothing()) {
  const host = partitionToleranceHost({ kept });
  return { host, kept, tolerance: plugin.create({ ...config, ...changes }, host) };
}

/** A cluster of `size` that has lost `lost` members at once. */
function survivors(size: number, lost: number): WatchedCluster {
  const seen = new WatchedCluster(made().tolerance);
  if (size > 1) seen.join(size - 1);
  if (lost > 0) seen.die(lost);
  return seen;
}

describe("PH-29: the majority", () => {
  test.each([
    [1, 0, true],
    [2, 0, true],
    [2, 1, false],
    [3, 1, true],
    [3, 2, false],
    [5, 2, true],
    [5, 3, false],
    [6, 2, true],
    // An even split: both sides stop.
    [6, 3, false],
    [7, 3, true],
    [10, 4, true],
    [10, 5, false],
  ])("of %d members %d are lost: goes on %p", (size, lost, serves) => {
    expect(survivors(size, lost).serves).toBe(serves);
  });

  test("of 5 as 3 and 2, and of 3 as 2 and 1, one side goes on", () => {
    expect([survivors(5, 2).serves, survivors(5, 3).serves]).toEqual([true, false]);
    expect([survivors(3, 1).serves, survivors(3, 2).serves]).toEqual([true, false]);
  });

  test("6 grow to 10 and shrink to 9, 7 and 6, of which 6 are needed", () => {
    const seen = survivors(6, 0);
    seen.join(4);
    expect(seen.die()).toBe(true);
    expect(seen.die(2)).toBe(true);
    expect(seen.die()).toBe(true);
    expect(seen.die()).toBe(false);
    expect(seen.reason).toBe("5 members can be reached, and 6 of 10 have to be");
    expect(seen.heal()).toBe(true);
  });

  test("the largest size is remembered when members leave in order, too", () => {
    const seen = survivors(5, 0);
    expect(seen.leave(2)).toBe(true);
    expect(seen.leave()).toBe(false);
  });
});

describe("the initial size", () => {
  test("of three keeps a node alone from serving", () => {
    const seen = new WatchedCluster(made({ initialClusterSize: 3 }).tolerance);
    expect(seen.serves).toBe(false);
    expect(seen.join()).toBe(true);
  });

  test("counts until more were seen", () => {
    const { tolerance } = made({ initialClusterSize: 5 });
    const seen = new WatchedCluster(tolerance, 3);
    expect(tolerance.quorum.status()).toEqual({ required: 3, largest: 5 });
    seen.join(4);
    expect(tolerance.quorum.status()).toEqual({ required: 4, largest: 7 });
  });

  test("alone counts without tracking", () => {
    const { tolerance, kept } = made({ initialClusterSize: 3, trackMaxSize: false });
    const seen = new WatchedCluster(tolerance, 9);
    expect(seen.die(7)).toBe(true);
    expect(seen.die()).toBe(false);
    expect(kept.saves).toBe(0);
  });
});

describe("PH-29: what is remembered", () => {
  test("outlives a restart: a lone survivor of ten does not take itself for the cluster", async () => {
    const before = made();
    new WatchedCluster(before.tolerance, 10);
    await before.tolerance.stop();
    const after = made({}, before.kept);
    await after.tolerance.start();
    const seen = new WatchedCluster(after.tolerance);
    expect(seen.serves).toBe(false);
    expect(seen.join(5)).toBe(true);
  });

  test("is told to members that join, and does not fall by what they say", () => {
    const [old, fresh] = [made().tolerance, made().tolerance];
    new WatchedCluster(old, 10);
    const seen = new WatchedCluster(fresh, 4);
    expect(seen.serves).toBe(true);
    expect(fresh.memory.merge(old.memory.snapshot())).toBe(true);
    expect(seen.ask({})).toBe(false);
    expect(old.memory.merge(fresh.memory.snapshot())).toBe(false);
    expect(old.quorum.status().largest).toBe(10);
  });

  test("that cannot be saved counts all the same, and is told as a degraded plug-in", async () => {
    const { tolerance, host, kept } = made();
    kept.away = true;
    new WatchedCluster(tolerance, 6);
    await tolerance.stop();
    expect(tolerance.quorum.status().largest).toBe(6);
    expect(host.recorded.reports.at(-1)?.health).toBe("degraded");
    kept.away = false;
    new WatchedCluster(tolerance, 7);
    await tolerance.stop();
    expect(host.recorded.reports.at(-1)?.health).toBe("ok");
    expect(readSize(kept.bytes ?? new Uint8Array())).toEqual({ resets: 0, largest: 7 });
  });

  test("that cannot be read keeps the node from starting", async () => {
    const { tolerance, kept } = made();
    kept.away = true;
    await expect(tolerance.start()).rejects.toMatchObject({ code: "state.unavailable" });
    kept.away = false;
    kept.bytes = writeSize({ resets: 0, largest: 0 });
    await expect(tolerance.start()).rejects.toMatchObject({ code: "state.corrupt" });
  });
});

describe("PH-29: a size set by hand", () => {
  test("lets a smaller cluster go on, at every member, for good", async () => {
    const [one, other] = [made(), made()];
    const seen = new WatchedCluster(one.tolerance, 10);
    new WatchedCluster(other.tolerance, 10);
    expect(seen.die(7)).toBe(false);
    await one.tolerance.quorum.resetSize(3);
    expect(seen.ask({})).toBe(true);
    expect(other.tolerance.memory.merge(one.tolerance.memory.snapshot())).toBe(true);
    expect(other.tolerance.quorum.status()).toEqual({ required: 2, largest: 3 });
    // Who has not heard of it cannot bring the old size back.
    expect(one.tolerance.memory.merge(writeSize({ resets: 0, largest: 10 }))).toBe(false);
    const after = made({}, one.kept);
    await after.tolerance.start();
    expect(after.tolerance.quorum.status().largest).toBe(3);
  });

  test("grows again with the cluster", async () => {
    const { tolerance } = made();
    const seen = new WatchedCluster(tolerance, 10);
    await tolerance.quorum.resetSize(2);
    seen.ask({});
    expect(tolerance.quorum.status().largest).toBe(10);
  });

  test.each([0, -1, 1.5, NaN, Infinity, 1e9])("%p is refused", async (size) => {
    const { tolerance } = made();
    await expect(tolerance.quorum.resetSize(size)).rejects.toMatchObject({
      code: "request.invalid",
      outcome: "not_started",
    });
    expect(tolerance.quorum.status().largest).toBe(1);
  });

  test("that cannot be saved changes nothing", async () => {
    const { tolerance, kept } = made();
    new WatchedCluster(tolerance, 5);
    kept.away = true;
    const refused = tolerance.quorum.resetSize(1);
    await expect(refused).rejects.toMatchObject({ code: "state.unavailable" });
    expect(tolerance.quorum.status()).toEqual({ required: 3, largest: 5 });
  });
});

describe("two sizes", () => {
  const sizes = fc.record({ resets: fc.nat(3), largest: fc.integer({ min: 1, max: 9 }) });

  test("are merged the same whatever the order and however often", () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, (a, b, c) => {
        expect(mergeSizes(a, b)).toEqual(mergeSizes(b, a));
        expect(mergeSizes(mergeSizes(a, b), c)).toEqual(mergeSizes(a, mergeSizes(b, c)));
        expect(mergeSizes(a, a)).toEqual(a);
      }),
    );
  });

  test("are read as they were written", () => {
    fc.assert(fc.property(sizes, (size) => expect(readSize(writeSize(size))).toEqual(size)));
  });
});
