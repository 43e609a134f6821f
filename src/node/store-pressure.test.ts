import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import { ServerError } from "../domain/error.ts";

const A = counter("a");
/** Just below the time after which a driver gives up on a query. */
const SLOW_MS = 4_900;

describe("DB-057: a store that takes 4.9 s for each answer", () => {
  /** Every method of the store, sessions included, answers late. */
  async function slow(mailboxCalls: number): Promise<OneNode> {
    const one = new OneNode({}, { shared: true });
    await one.start({ mailboxCalls });
    const late = (target: object, name: string): void => {
      const real = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      const method = async (...args: unknown[]): Promise<unknown> => {
        const answer = await real.apply(target, args);
        await new Promise<void>((resolve) => one.clock.setTimer(SLOW_MS, resolve));
        return answer;
      };
      Object.assign(target, { [name]: method });
    };
    for (const name of ["claim", "commit", "epochs", "dedup", "read", "release"]) {
      late(one.store, name);
    }
    for (const name of ["open", "renew", "list"]) late(one.store.sessions, name);
    return one;
  }

  test("fills mailboxes and no more: what is beyond is told when to come again", async () => {
    const one = await slow(20);
    one.node.hosts.credit(one.host, 1_000);
    const heard = Array.from({ length: 200 }, (_, i) =>
      one.call(A, "add", `op${i}`, { deadlineMs: 60_000 }).then(
        ({ revision }) => revision,
        (error: ServerError) => error,
      ),
    );
    await one.clock.advance(30_000);
    const answers = await Promise.all(heard);
    const served = answers.filter((answer) => typeof answer === "number");
    const shed = answers.filter((answer) => answer instanceof ServerError);
    expect(served).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(shed).toHaveLength(180);
    for (const { code, outcome, details } of shed) {
      expect([code, outcome, details.retryAfterMs]).toEqual(["mailbox.full", "not_started", 100]);
    }
  });

  test("costs no lease and no activation, and calls are answered in their order", async () => {
    const one = await slow(100);
    const revisions: number[] = [];
    for (let n = 0; n < 30; n += 1) {
      void one
        .call(A, "add", `op${n}`, { deadlineMs: one.clock.now() + 30_000 })
        .then(({ revision }) => revisions.push(revision));
      await one.clock.advance(2_000);
      expect(one.node.rooms.main.session).toBe(1);
    }
    await one.clock.advance(15_000);
    expect(revisions).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    // One that is idle between two slow answers ends as it always does; none is lost.
    expect(one.ended.filter((reason) => reason !== "idle")).toEqual([]);
  });

  test("is asked by no more calls at once than the node takes", async () => {
    const one = new OneNode({ inFlightCalls: 50 }, { shared: true });
    await one.start();
    one.store.claim = () => new Promise(() => undefined);
    const heard: string[] = [];
    for (let n = 0; n < 80; n += 1) {
      void refusalOf(one.call(counter(`k${n}`), "add", "x")).then((text) => heard.push(text));
    }
    await one.settle();
    expect(heard).toEqual(Array.from({ length: 30 }, () => "quota.exceeded not_started IN_FLIGHT"));
    expect(one.node.table.inFlight).toBe(50);
  });
});

describe("DB-059: a store that is full", () => {
  const FULL = new ServerError("state.unavailable", "the disk is full", "not_applied", {
    reason: "STORE_FULL",
    retryAfterMs: 1_000,
  });
  const WRITES = ["claim", "commit", "release"] as const;

  async function full(shared: boolean): Promise<{ one: OneNode; freed: () => void }> {
    const one = new OneNode({}, { shared });
    await one.start({ deactivationTimeoutMs: 600_000 });
    await one.call(A, "add", "x");
    await one.call(counter("idle"), "add", "x");
    one.node.table.deactivate(counter("idle"));
    await one.settle();
    const kept = WRITES.map((name) => [name, one.store[name]] as const);
    const { renew } = one.store.sessions;
    for (const name of WRITES) Object.assign(one.store, { [name]: () => Promise.reject(FULL) });
    one.store.sessions.renew = () => Promise.reject(FULL);
    return {
      one,
      freed: () => {
        Object.assign(one.store, Object.fromEntries(kept));
        one.store.sessions.renew = renew;
      },
    };
  }

  const look = { operation: { kind: "state" } } as const;

  test.each([
    ["shared", true],
    ["held by one process", false],
  ])("and is %s refuses writes, goes on with reads, and heals by itself", async (_, shared) => {
    const { one, freed } = await full(shared);
    for (let second = 0; second < 10; second += 1) {
      expect(await refusalOf(one.call(A, "add", "y"))).toBe(
        "state.unavailable not_applied STORE_FULL",
      );
      expect(fromPayload((await one.call(A, "get")).payload)).toEqual({ ops: ["x"] });
      expect(fromPayload((await one.call(counter("idle"), "get", null, look)).payload)).toEqual({
        ops: ["x"],
      });
      expect(await refusalOf(one.call(counter("idle"), "add", "y"))).toBe(
        "state.unavailable not_started STORE_FULL",
      );
      await one.clock.advance(1_000);
    }
    freed();
    await one.clock.advance(1_000);
    expect((await one.call(A, "add", "z")).revision).toBe(2);
    expect((await one.call(counter("idle"), "add", "z")).revision).toBe(2);
    expect(one.reached).toEqual([]);
  });

  test("for longer than the lease still shows states, and heals", async () => {
    const { one, freed } = await full(true);
    await one.clock.advance(60_000);
    expect(await refusalOf(one.call(A, "add", "y"))).toBe(
      "state.unavailable not_started NO_SESSION",
    );
    expect(fromPayload((await one.call(A, "get", null, look)).payload)).toEqual({ ops: ["x"] });
    freed();
    await one.clock.advance(1_000);
    expect((await one.call(A, "add", "z")).revision).toBe(2);
  });
});
