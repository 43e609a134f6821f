import { describe, expect, test } from "bun:test";
import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { settle, VirtualClock } from "../../test/conformance/support/virtual-clock.ts";
import type { Logger } from "./ports.ts";
import { SessionKeeper } from "./session-keeper.ts";

const silent = (): void => undefined;
const LOG: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => LOG };

class Bench {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStatestore(statestoreHost("", { clock: this.clock }));
  readonly told: string[] = [];
  readonly keeper = new SessionKeeper({
    store: this.store,
    clock: Object.assign(this.clock, { defer: queueMicrotask }),
    log: LOG,
    nodeName: "n1",
    bootId: "boot",
    address: "",
    ttlMs: 10_000,
    renewMs: 2_000,
    marginMs: 1_000,
    fenced: () => this.told.push("fenced"),
    evicted: () => void this.told.push("evicted"),
    report: (reachable) => this.told.push(reachable ? "reachable" : "away"),
  });

  async states(): Promise<readonly string[]> {
    return (await this.store.sessions.list()).map(({ id, state }) => `${id} ${state}`);
  }
}

describe("a session", () => {
  test("is renewed long before its lease ends", async () => {
    const { keeper, clock, store } = new Bench();
    await keeper.start();
    const first = keeper.current;
    await clock.advance(60_000);
    expect(keeper.current).toBe(first);
    expect(keeper.marginMs).toBeGreaterThan(0);
    expect(await store.sessions.fence(first ?? 0, false)).toBe(false);
  });

  test("is trusted for less than its lease, counted from before it was asked for", async () => {
    const { keeper, clock, store } = new Bench();
    await keeper.start();
    expect(keeper.marginMs).toBe(8_500);
    store.sessions.renew = () => new Promise(silent);
    await clock.advance(9_000);
    expect(keeper.marginMs).toBeLessThan(0);
    expect(keeper.current).toBe(1);
  });

  test("that was fenced ends all that stood on it, and a new one is opened", async () => {
    const bench = new Bench();
    await bench.keeper.start();
    await bench.store.sessions.fence(1, true);
    await bench.clock.advance(2_000);
    expect(bench.told).toEqual(["reachable", "fenced"]);
    expect(bench.keeper.current).toBe(2);
    expect(await bench.states()).toEqual(["1 fenced", "2 up"]);
  });

  test("that another process of the same name has taken over is given up for good", async () => {
    const bench = new Bench();
    await bench.keeper.start();
    const other = { nodeName: "n1", bootId: "another", address: "", ttlMs: 60_000 };
    await bench.store.sessions.open(other);
    await bench.clock.advance(3_000);
    // It may have been the late write of a process that has died; this one goes on.
    expect(bench.told).toEqual(["reachable", "fenced"]);
    expect(bench.keeper.current).toBe(3);
    await bench.store.sessions.open(other);
    await bench.clock.advance(30_000);
    expect(bench.told.slice(-2)).toEqual(["fenced", "evicted"]);
    expect(bench.keeper.current).toBeUndefined();
    expect((await bench.states()).at(-1)).toBe("4 up");
    await bench.keeper.stop();
  });

  test("survives a store that is away for a while, and says so", async () => {
    const bench = new Bench();
    await bench.keeper.start();
    const renew = bench.store.sessions.renew.bind(bench.store.sessions);
    bench.store.sessions.renew = () => Promise.reject(new Error("away"));
    await bench.clock.advance(4_000);
    bench.store.sessions.renew = renew;
    await bench.clock.advance(2_000);
    expect(bench.told).toEqual(["away", "away", "reachable"]);
    expect(bench.keeper.current).toBe(1);
  });

  test("that is opened while the node stops is closed again", async () => {
    const bench = new Bench();
    await bench.keeper.start();
    await bench.store.sessions.fence(1, true);
    let answer = silent;
    const open = bench.store.sessions.open.bind(bench.store.sessions);
    bench.store.sessions.open = async (request) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return await open(request);
    };
    await bench.clock.advance(2_000);
    await bench.keeper.stop();
    answer();
    await settle();
    expect(bench.keeper.current).toBeUndefined();
    expect(await bench.states()).toEqual(["1 fenced", "2 closed"]);
    expect(bench.clock.pending).toBe(0);
  });

  test("is closed when the node stops, so that others take over at once", async () => {
    const bench = new Bench();
    await bench.keeper.start();
    await bench.keeper.stop();
    await bench.keeper.stop();
    expect(await bench.states()).toEqual(["1 closed"]);
    expect(bench.clock.pending).toBe(0);
  });
});
