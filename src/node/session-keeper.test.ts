import { describe, expect, test } from "bun:test";
import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { settle, VirtualClock } from "../../test/conformance/support/virtual-clock.ts";
import { ServerError } from "../domain/error.ts";
import type { Logger } from "./ports.ts";
import { SessionKeeper } from "./session-keeper.ts";

const silent = (): void => undefined;
const LOG: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => LOG };

const TTL_MS = 15_000;
const RENEW_MS = 3_000;
const MARGIN_MS = 2_000;
/** For how long a lease is certain: the monotonic clock may be wrong by a twentieth. */
const CERTAIN_MS = TTL_MS * 0.95 - MARGIN_MS;

class Bench {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStatestore(statestoreHost("", { clock: this.clock }));
  readonly told: string[] = [];
  readonly keeper: SessionKeeper;
  missing: string | undefined;
  givesWay = true;

  constructor(exclusive = false) {
    this.keeper = new SessionKeeper({
      store: this.store,
      clock: Object.assign(this.clock, { defer: queueMicrotask }),
      log: LOG,
      nodeName: "n1",
      bootId: "boot",
      address: () => "",
      opened: () => undefined,
      ttlMs: TTL_MS,
      renewMs: RENEW_MS,
      marginMs: MARGIN_MS,
      exclusive,
      fenced: () => this.told.push("fenced"),
      usurped: () => {
        this.told.push("usurped");
        return this.givesWay;
      },
      report: (reachable) => this.told.push(reachable ? "reachable" : "away"),
      missing: async () => this.missing,
      regressed: (why) => this.told.push(why),
    });
  }

  async started(): Promise<this> {
    await this.keeper.start();
    return this;
  }

  /** Nobody reaches the store until what is returned is called. Answers at once with a failure. */
  cut(failure: Error = new Error("away")): () => void {
    const { sessions } = this.store;
    const { open, renew, list } = sessions;
    const fail = (): Promise<never> => Promise.reject(failure);
    Object.assign(sessions, { open: fail, renew: fail, list: fail });
    return () => void Object.assign(sessions, { open, renew, list });
  }

  /** Every renewal is answered after `ms`. */
  slow(ms: number): void {
    const { sessions } = this.store;
    const renew = sessions.renew.bind(sessions);
    sessions.renew = async (id, ttlMs) => {
      const answer = await renew(id, ttlMs);
      await new Promise<void>((resolve) => this.clock.setTimer(ms, resolve));
      return answer;
    };
  }

  /** Lets time pass until `done`, step by step, and answers how much. */
  async until(done: () => boolean, mostMs: number): Promise<number> {
    const from = this.clock.now();
    while (!done() && this.clock.now() - from < mostMs) await this.clock.advance(10);
    return this.clock.now() - from;
  }

  async states(): Promise<readonly string[]> {
    return (await this.store.sessions.list()).map(({ id, state }) => `${id} ${state}`);
  }
}

describe("a session", () => {
  test("is renewed long before its lease ends", async () => {
    const { keeper, clock, store } = await new Bench().started();
    const first = keeper.current;
    await clock.advance(60_000);
    expect(keeper.current).toBe(first);
    expect(keeper.marginMs).toBeGreaterThan(0);
    expect(await store.sessions.fence(first ?? 0, false)).toBe(false);
  });

  test("is trusted for less than its lease, counted from before it was asked for", async () => {
    const { keeper, clock, store } = await new Bench().started();
    expect(keeper.marginMs).toBe(CERTAIN_MS);
    store.sessions.renew = () => new Promise(silent);
    await clock.advance(CERTAIN_MS - 1);
    expect(keeper.current).toBe(1);
    await clock.advance(1);
    expect(keeper.current).toBeUndefined();
    // By the store's clock nobody could have taken it yet.
    expect((await store.sessions.list())[0]?.remainingMs).toBeGreaterThan(MARGIN_MS);
  });

  test("whose lease has passed is itself again when it is renewed, for nobody has taken it", async () => {
    const bench = await new Bench().started();
    const heal = bench.cut();
    await bench.clock.advance(20_000);
    expect(bench.keeper.current).toBeUndefined();
    heal();
    await bench.clock.advance(1_000);
    expect(bench.keeper.current).toBe(1);
    expect(bench.told).not.toContain("fenced");
  });

  test("of a store that one process holds alone does not hang on its lease", async () => {
    const bench = await new Bench(true).started();
    bench.cut();
    await bench.clock.advance(60_000);
    expect(bench.keeper.marginMs).toBeLessThan(0);
    expect(bench.keeper.current).toBe(1);
  });

  test("that was fenced ends all that stood on it, and a new one is opened at once", async () => {
    const bench = await new Bench().started();
    await bench.store.sessions.fence(1, true);
    await bench.clock.advance(RENEW_MS);
    expect(bench.told).toEqual(["fenced", "reachable"]);
    expect(bench.keeper.current).toBe(2);
    expect(await bench.states()).toEqual(["1 fenced", "2 up"]);
  });

  test("that another process of the same name has taken over is given up for good", async () => {
    const bench = await new Bench().started();
    const other = { nodeName: "n1", bootId: "another", address: "", ttlMs: 60_000 };
    await bench.store.sessions.open(other);
    await bench.clock.advance(4_000);
    // It may have been the late write of a process that has died; this one goes on.
    expect(bench.told).toEqual(["fenced", "reachable"]);
    expect(bench.keeper.current).toBe(3);
    await bench.store.sessions.open(other);
    await bench.clock.advance(30_000);
    expect(bench.told.slice(-2)).toEqual(["fenced", "usurped"]);
    expect(bench.keeper.current).toBeUndefined();
    expect((await bench.states()).at(-1)).toBe("4 up");
    await bench.keeper.stop();
  });

  test("that another process takes again and again is opened anew where this one does not give way", async () => {
    const bench = await new Bench().started();
    bench.givesWay = false;
    const other = { nodeName: "n1", bootId: "another", address: "", ttlMs: 60_000 };
    for (let round = 0; round < 3; round += 1) {
      await bench.store.sessions.open(other);
      await bench.clock.advance(RENEW_MS);
    }
    expect(bench.told.filter((word) => word === "usurped")).toHaveLength(2);
    expect(bench.keeper.current).toBe(7);
  });

  test("that is opened while the node stops is closed again", async () => {
    const bench = await new Bench().started();
    await bench.store.sessions.fence(1, true);
    let answer = silent;
    const open = bench.store.sessions.open.bind(bench.store.sessions);
    bench.store.sessions.open = async (request) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return await open(request);
    };
    await bench.clock.advance(RENEW_MS);
    await bench.keeper.stop();
    answer();
    await settle();
    expect(bench.keeper.current).toBeUndefined();
    expect(await bench.states()).toEqual(["1 fenced", "2 closed"]);
    expect(bench.clock.pending).toBe(0);
  });

  test("is closed when the node stops, so that others take over at once", async () => {
    const bench = await new Bench().started();
    await bench.keeper.stop();
    await bench.keeper.stop();
    expect(await bench.states()).toEqual(["1 closed"]);
    expect(bench.clock.pending).toBe(0);
  });
});

describe("a store that is away", () => {
  test("is asked again soon, and less often the longer it stays away", async () => {
    const bench = await new Bench().started();
    const asked: number[] = [];
    bench.store.sessions.renew = () => {
      asked.push(bench.clock.now() - RENEW_MS);
      return Promise.reject(new Error("away"));
    };
    await bench.clock.advance(RENEW_MS + 4_500);
    expect(asked).toEqual([0, 100, 200, 400, 800, 1_600, 2_600, 3_600]);
  });

  test.each([500, 3_100, 4_321, 9_999, 14_500, 40_000])(
    "for %d ms is served again within a second of its return",
    async (outageMs) => {
      const bench = await new Bench().started();
      await bench.clock.advance(2_900);
      const heal = bench.cut();
      await bench.clock.advance(outageMs);
      heal();
      const up = (): boolean => bench.keeper.current !== undefined && bench.told.at(-1) !== "away";
      expect(await bench.until(up, 10_000)).toBeLessThanOrEqual(1_000);
      expect(bench.keeper.marginMs).toBeGreaterThan(0);
    },
  );

  test("while the session must be opened anew is served again within a second, too", async () => {
    const bench = await new Bench().started();
    await bench.store.sessions.fence(1, true);
    const { sessions } = bench.store;
    const { renew } = sessions;
    const heal = bench.cut();
    // The renewal still finds out that the session is gone; then the store goes.
    sessions.renew = renew;
    await bench.clock.advance(RENEW_MS + 12_345);
    expect(bench.told.filter((word) => word === "fenced")).toHaveLength(1);
    heal();
    const up = (): boolean => bench.keeper.current !== undefined;
    expect(await bench.until(up, 10_000)).toBeLessThanOrEqual(1_000);
    expect(await bench.states()).toEqual(["1 fenced", "2 up"]);
  });

  test("and one that never answers is asked by a bounded number at once", async () => {
    const bench = await new Bench().started();
    let asked = 0;
    bench.store.sessions.renew = () => {
      asked += 1;
      return new Promise(silent);
    };
    await bench.clock.advance(200_000);
    expect(asked).toBe(16);
  });

  test("that is full of data can be reached all the same", async () => {
    const bench = await new Bench().started();
    const details = { reason: "STORE_FULL" };
    bench.cut(new ServerError("state.unavailable", "full", "not_applied", details));
    await bench.clock.advance(RENEW_MS);
    expect(bench.told).toEqual(["reachable"]);
  });
});

describe("a slow store", () => {
  test("costs no lease: renewals do not wait for each other", async () => {
    const bench = await new Bench().started();
    bench.slow(4_900);
    let least = Number.POSITIVE_INFINITY;
    for (let ms = 0; ms < 60_000; ms += 100) {
      await bench.clock.advance(100);
      least = Math.min(least, bench.keeper.marginMs);
    }
    // At the worst the newest answer is of the renewal before the one that is under way.
    expect(least).toBeGreaterThanOrEqual(CERTAIN_MS - 4_900 - RENEW_MS);
    expect(bench.keeper.current).toBe(1);
    expect(bench.told).not.toContain("away");
  });

  test("that says late what became of an older session says nothing new", async () => {
    const bench = await new Bench().started();
    const answers: ((answer: "fenced") => void)[] = [];
    const { sessions } = bench.store;
    const { renew } = sessions;
    sessions.renew = () => new Promise((resolve) => answers.push(resolve));
    await bench.clock.advance(2 * RENEW_MS);
    sessions.renew = renew;
    await bench.store.sessions.fence(1, true);
    for (const answer of answers) answer("fenced");
    await settle();
    expect(bench.told.filter((word) => word === "fenced")).toHaveLength(1);
    expect(await bench.states()).toEqual(["1 fenced", "2 up"]);
  });
});

describe("a store that has gone back", () => {
  test("gives a session that was given before, and is used no more", async () => {
    const bench = await new Bench().started();
    const older = new MemoryStatestore(statestoreHost("", { clock: bench.clock }));
    await bench.store.sessions.fence(1, true);
    bench.store.sessions.open = (request) => older.sessions.open(request);
    await bench.clock.advance(60_000);
    expect(bench.told).toEqual(["fenced", "session 1 was given after session 1"]);
    expect(bench.keeper.current).toBeUndefined();
    expect(bench.clock.pending).toBe(0);
  });

  test("has lost what it must hold, and is used no more", async () => {
    const bench = await new Bench().started();
    await bench.store.sessions.fence(1, true);
    bench.missing = "the check of the state keys";
    await bench.clock.advance(60_000);
    expect(bench.told).toEqual(["fenced", "the check of the state keys"]);
    expect(bench.keeper.current).toBeUndefined();
    expect((await bench.states()).at(-1)).toBe("2 closed");
  });
});
