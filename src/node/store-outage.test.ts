import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { StoreLine } from "../../test/support/store-line.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import type { PartitionDecision, PartitionView } from "../contract/index.ts";

const A = counter("a");
const NOT_APPLIED = "state.unavailable not_applied";
const UNKNOWN = "state.unavailable unknown";

/** Whoever reaches the store works. */
function arbiter({ storeReachable }: PartitionView): PartitionDecision {
  return storeReachable === false
    ? { kind: "partitioned", reason: "the store cannot be reached" }
    : { kind: "serve" };
}

/** A node on a shared store whose actor `a` is active and has one operation. */
async function active(lanes = 1): Promise<{ readonly one: OneNode; readonly line: StoreLine }> {
  const one = new OneNode({}, { shared: true, lanes });
  one.evaluate = arbiter;
  const line = new StoreLine(one.store);
  await one.start();
  await one.call(A, "add", "x");
  return { one, line };
}

async function ops(one: OneNode, actor = A): Promise<unknown> {
  return fromPayload((await one.call(actor, "get")).payload);
}

/** Another node with a session of its own claims the actor, and lets it go again if told to. */
async function taken(one: OneNode, letsGo: boolean): Promise<void> {
  const { store } = one;
  const mine = one.node.rooms.main.sessions.current ?? 0;
  await store.release(mine, [{ actor: A, epoch: one.node.table.activeEpoch(A) ?? 0 }]);
  const other = { nodeName: "n2", bootId: "b2", address: "", ttlMs: 60_000 };
  const { id: sessionId } = await store.sessions.open(other);
  const [claim] = await store.claim({ sessionId, actors: [A], maxRequestIds: 0 });
  if (claim?.kind !== "claimed") throw new Error("the actor could not be taken");
  if (letsGo) await store.release(sessionId, [{ actor: A, epoch: claim.epoch }]);
}

describe("a commit of unknown fate is looked into before the next turn", () => {
  test("applied whole: its calls hear OK, and what ran ahead of it may be repeated", async () => {
    const { one, line } = await active();
    line.lose("answer lost");
    one.host.holding = true;
    const first = one.call(A, "add", "y");
    await one.settle();
    one.host.release();
    const ahead = refusalOf(one.call(A, "add", "z"));
    await one.settle();
    one.host.holding = false;
    one.host.release();
    expect((await first).revision).toBe(2);
    expect(await ahead).toBe(NOT_APPLIED);
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test("with the actors of several lanes at once: each is told its own", async () => {
    const { one, line } = await active(4);
    const keys = Array.from({ length: 40 }, (_, i) => counter(`k${i}`));
    one.node.hosts.credit(one.host, 100);
    await Promise.all(keys.map((key) => one.call(key, "add", "x")));
    let batches = 0;
    line.onCommit = () => {
      batches += 1;
    };
    line.lose("answer lost", "lost", "answer lost", "lost");
    const heard = await Promise.all(keys.map((key) => refusalOf(one.call(key, "add", "y"))));
    expect(batches).toBeGreaterThanOrEqual(4);
    expect(new Set(heard)).toEqual(new Set(["accepted", NOT_APPLIED]));
    for (const [i, key] of keys.entries()) {
      const kept = heard[i] === "accepted" ? ["x", "y"] : ["x"];
      expect(await ops(one, key)).toEqual({ ops: kept });
    }
  });

  test("in one lane does not hold up the others", async () => {
    const { one, line } = await active(4);
    const held: (() => void)[] = [];
    const commit = one.store.commit.bind(one.store);
    let first = true;
    one.store.commit = async (batch) => {
      if (first) {
        first = false;
        await new Promise<void>((resolve) => held.push(resolve));
      }
      return await commit(batch);
    };
    line.lose("answer lost");
    const slow = one.call(A, "add", "y");
    await one.settle();
    // Some of these share the lane of `a` and wait; the others do not.
    const keys = Array.from({ length: 12 }, (_, i) => counter(`k${i}`));
    let done = 0;
    const calls = keys.map(async (key) => {
      await one.call(key, "add", "x").then(
        () => undefined,
        () => undefined,
      );
      done += 1;
    });
    await one.settle();
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(keys.length);
    held[0]?.();
    await Promise.all(calls);
    expect((await slow).revision).toBe(2);
  });

  test.each([
    ["holds the actor now", false],
    ["held the actor and let it go", true],
  ])("and another node %s: nobody here can tell", async (_, letsGo) => {
    const { one, line } = await active();
    line.lose("answer lost");
    line.cut();
    line.mend();
    const claim = one.store.claim.bind(one.store);
    one.store.claim = async (request) => {
      one.store.claim = claim;
      await taken(one, letsGo);
      return await claim(request);
    };
    expect(await refusalOf(one.call(A, "add", "y"))).toBe(UNKNOWN);
    if (!letsGo) return;
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test.each([
    ["applied", "answer lost", "accepted", ["x", "y"]],
    ["not applied", "lost", NOT_APPLIED, ["x"]],
  ] as const)("%s while the store is still away: it is asked until it is back", async (...row) => {
    const [, fate, heard, kept] = row;
    const { one, line } = await active();
    line.lose(fate);
    line.onCommit = () => {
      line.onCommit = () => undefined;
      // The commit is the last that arrives.
      queueMicrotask(() => line.cut());
    };
    const call = refusalOf(one.call(A, "add", "y"));
    await one.clock.advance(7_000);
    line.mend();
    await one.clock.advance(2_000);
    expect(await call).toBe(heard);
    expect(await ops(one)).toEqual({ ops: kept });
  });

  test("and whose caller has gone meanwhile leaves an actor that begins anew", async () => {
    const { one, line } = await active();
    line.lose("answer lost");
    line.onCommit = () => {
      line.onCommit = () => undefined;
      queueMicrotask(() => line.cut());
    };
    const call = refusalOf(one.call(A, "add", "y", { deadlineMs: 500 }));
    await one.clock.advance(4_000);
    expect(await call).toBe("call.deadline unknown");
    expect(one.node.table.activations).toBe(0);
    line.mend();
    await one.clock.advance(2_000);
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test("that only recorded a reply is known by its request id", async () => {
    const { one, line } = await active();
    line.lose("answer lost");
    expect((await one.call(A, "get", null, { requestId: "look" })).revision).toBe(1);
    expect((await one.call(A, "get", null, { requestId: "look" })).replayed).toBe(true);
    line.lose("lost");
    expect(await refusalOf(one.call(A, "get", null, { requestId: "again" }))).toBe(NOT_APPLIED);
    expect((await one.call(A, "get", null, { requestId: "again" })).replayed).toBe(false);
  });
});

describe("a node whose store is back serves again within two seconds", () => {
  test.each([300, 1_900, 6_000, 13_000, 31_000])("after %d ms", async (outageMs) => {
    const { one, line } = await active();
    await one.clock.advance(1_700);
    line.lose("answer lost");
    line.onCommit = () => {
      line.onCommit = () => undefined;
      queueMicrotask(() => line.cut());
    };
    const doubtful = refusalOf(one.call(A, "add", "y", { deadlineMs: 100_000 }));
    await one.clock.advance(outageMs);
    line.mend();
    await one.clock.advance(2_000);
    // Who waited has been told, and actors that are active and new ones answer.
    expect(await doubtful).toBe("accepted");
    expect((await one.call(A, "add", "z")).revision).toBe(3);
    expect((await one.call(counter("new"), "add", "x")).revision).toBe(1);
    expect(one.reached.at(-1)).not.toBe("default away");
  });

  test("RPC-147: and refuses at once, honestly, until then", async () => {
    const { one, line } = await active();
    line.cut();
    expect(await refusalOf(one.call(A, "add", "y"))).toBe(NOT_APPLIED);
    expect(await refusalOf(one.call(counter("new"), "add", "y"))).toBe(
      "state.unavailable not_started",
    );
    await one.clock.advance(3_100);
    expect(one.reached).toEqual(["default away"]);
    expect(await refusalOf(one.call(A, "add", "y"))).toBe(
      "node.partitioned not_started PARTITIONED",
    );
    line.mend();
    await one.clock.advance(1_000);
    expect(one.reached).toEqual(["default away", "default reached"]);
    expect(await ops(one)).toEqual({ ops: ["x"] });
  });
});

describe("past the end of its lease, by the monotonic clock,", () => {
  const LEASE_MS = 15_000 * 0.95 - 2_000;

  /** The store hears everything, and the answers to renewals never come. */
  async function lapsing(): Promise<OneNode> {
    const { one } = await active();
    one.store.sessions.renew = () => new Promise(() => undefined);
    return one;
  }

  test("no turn begins and no state is asked for, and a look at the store is all there is", async () => {
    const one = await lapsing();
    one.host.holding = true;
    const running = refusalOf(one.call(A, "add", "running", { deadlineMs: 60_000 }));
    const waiting = refusalOf(one.call(A, "add", "waiting", { deadlineMs: 60_000 }));
    await one.clock.advance(LEASE_MS - 10);
    expect(one.host.held).toHaveLength(1);
    await one.clock.advance(10);
    one.host.release();
    await one.settle();
    // What ran was not committed, what waited was not begun.
    expect(await running).toBe("state.unavailable not_applied NO_SESSION");
    expect(await waiting).toBe("state.unavailable not_started NO_SESSION");
    expect(one.host.held).toHaveLength(0);
    expect(await refusalOf(one.call(A, "add", "new"))).toBe(
      "state.unavailable not_started NO_SESSION",
    );
    expect(await refusalOf(one.call(A, "get"))).toBe("state.unavailable not_started NO_SESSION");
    const look = await one.call(A, "get", null, { operation: { kind: "state" } });
    expect(fromPayload(look.payload)).toEqual({ ops: ["x"] });
  });

  /** The answer to the next commit, applied, comes when it is let go. */
  function heldCommit(one: OneNode): () => void {
    const commit = one.store.commit.bind(one.store);
    let answer = (): void => undefined;
    one.store.commit = async (batch) => {
      one.store.commit = commit;
      const results = await commit(batch);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return results;
    };
    return () => answer();
  }

  test("what the store confirmed is told: its compare-and-set is the proof, not the lease", async () => {
    const one = await lapsing();
    const answer = heldCommit(one);
    const call = refusalOf(one.call(A, "add", "y", { deadlineMs: 60_000 }));
    await one.clock.advance(LEASE_MS + 10);
    answer();
    expect(await call).toBe("accepted");
  });

  test("nothing is told any more once the node has heard that its session is gone", async () => {
    const { one } = await active();
    const answer = heldCommit(one);
    const call = refusalOf(one.call(A, "add", "y", { deadlineMs: 60_000 }));
    await one.settle();
    await one.store.sessions.fence(1, true);
    await one.clock.advance(3_000);
    answer();
    expect(await call).toBe(UNKNOWN);
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test("and a lease that is renewed late is as good as before", async () => {
    const { one } = await active();
    const renew = one.store.sessions.renew.bind(one.store.sessions);
    one.store.sessions.renew = async (id, ttlMs) => {
      const answer = await renew(id, ttlMs);
      await new Promise<void>((resolve) => one.clock.setTimer(4_900, resolve));
      return answer;
    };
    for (let second = 0; second < 40; second += 1) {
      await one.clock.advance(1_000);
      expect((await one.call(A, "add", `s${second}`)).revision).toBe(second + 2);
    }
    expect(one.ended).toEqual([]);
  });
});
