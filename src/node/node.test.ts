import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import { ANONYMOUS, type Reply } from "../domain/invocation.ts";
import type { StateView } from "./node-api.ts";

const value = (reply: Reply): unknown => fromPayload(reply.payload);
const A = counter("a");

describe("a call", () => {
  test("is answered after its commit, and a repeat is answered the same without another effect", async () => {
    const one = await new OneNode().start();
    const first = await one.call(A, "add", "x", { requestId: "id" });
    expect([value(first), first.revision, first.replayed]).toEqual([1, 1, false]);
    const again = await one.call(A, "add", "x", { requestId: "id" });
    expect([value(again), again.revision, again.replayed]).toEqual([1, 1, true]);
    expect(await refusalOf(one.call(A, "add", "y", { requestId: "id" }))).toBe(
      "request.id_conflict not_applied IDEMPOTENCY_CONFLICT",
    );
    expect(value(await one.call(A, "get"))).toEqual({ ops: ["x"] });
    expect([one.node.table.inFlight, one.logged.length]).toEqual([0, 0]);
  });

  test.each([
    [
      "of a type that nobody registered",
      { system: "sim", type: "ghost", key: "a" },
      "add",
      "actor.unknown not_started TYPE_UNKNOWN",
    ],
    ["of an action that there is not", A, "sing", "actor.unknown not_started ACTION_UNKNOWN"],
  ])("%s is refused at once", async (_, actor, action, refusal) => {
    const one = await new OneNode().start();
    expect(await refusalOf(one.call(actor, action))).toBe(refusal);
    expect(one.node.table.activations).toBe(0);
  });

  test("passes the policy, and one that throws denies", async () => {
    const one = await new OneNode().start();
    one.policy = () => ({ allowed: false, rule: "nobody" });
    expect(await refusalOf(one.call(A, "get"))).toBe("access.denied not_started ACCESS_DENIED");
    one.policy = () => {
      throw new Error("broken");
    };
    expect(await refusalOf(one.call(A, "get"))).toBe("access.denied not_started ACCESS_DENIED");
    expect(one.denied).toEqual(["nobody", "the policy threw", "the policy failed"]);
    expect(await refusalOf(one.node.service.spawn(ANONYMOUS, A, {}))).toContain("access.denied");
    expect(await refusalOf(one.node.service.deactivate(ANONYMOUS, A))).toContain("access.denied");
  });

  test("finds no host, and the state is read all the same", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    one.host.close("gone");
    expect(await refusalOf(one.call(A, "add", "y"))).toBe(
      "host.unavailable not_started HOST_ABSENT",
    );
    expect(value(await one.call(A, "get"))).toEqual({ ops: ["x"] });
  });

  test("ends at its deadline wherever it is", async () => {
    const one = await new OneNode().start();
    one.host.holding = true;
    const running = refusalOf(one.call(A, "add", "x", { deadlineMs: 100 }));
    await one.settle();
    const waiting = refusalOf(one.call(A, "add", "y", { deadlineMs: 100 }));
    await one.clock.advance(120);
    expect([await running, await waiting]).toEqual([
      "call.deadline unknown",
      "call.deadline not_started",
    ]);
    expect(one.host.canceled).toEqual([1]);
    one.host.holding = false;
    one.host.release();
    await one.settle();
    // The turn that nobody waited for kept its place, and what the host made of it counts.
    expect(value(await one.call(A, "get"))).toEqual({ ops: ["x"] });
    expect(one.node.table.inFlight).toBe(0);
  });

  test("is taken back by its caller if it has not begun", async () => {
    const one = await new OneNode().start();
    one.host.holding = true;
    const first = one.call(A, "add", "x");
    await one.settle();
    const abort = new AbortController();
    const second = refusalOf(one.call(A, "add", "y", {}, abort.signal));
    await one.settle();
    abort.abort();
    expect(await second).toBe("call.canceled not_started");
    one.host.release();
    expect(value(await first)).toBe(1);
    expect(await refusalOf(one.call(A, "add", "z", {}, abort.signal))).toBe(
      "call.canceled not_started",
    );
  });
});

describe("a node", () => {
  test("bounds the calls under way and the actors in memory", async () => {
    const one = await new OneNode({ inFlightCalls: 2, activations: 1 }).start();
    one.host.holding = true;
    const calls = [one.call(A, "add", "x"), one.call(A, "add", "y")];
    await one.settle();
    expect(await refusalOf(one.call(A, "get"))).toBe("quota.exceeded not_started IN_FLIGHT");
    one.host.holding = false;
    one.host.release();
    await Promise.all(calls);
    expect(await refusalOf(one.call(counter("b"), "get"))).toBe(
      "quota.exceeded not_started ACTIVATIONS",
    );
  });

  test("lets go of idle actors, and brings them back as they were", async () => {
    const one = await new OneNode().start({ deactivationTimeoutMs: 1_000 });
    await one.call(A, "add", "x", { requestId: "id" });
    expect(one.node.table.activeEpoch(A)).toBe(1);
    await one.clock.advance(2_000);
    expect(one.node.table.activations).toBe(0);
    expect((await one.call(A, "add", "x", { requestId: "id" })).replayed).toBe(true);
    expect(one.node.table.activeEpoch(A)).toBe(2);
    expect(await one.node.service.deactivate(ANONYMOUS, A)).toBe(true);
    expect(await one.node.service.deactivate(ANONYMOUS, A)).toBe(false);
  });

  test("refuses what a partition decision refuses, until the next one", async () => {
    const one = new OneNode();
    one.evaluate = () => ({ kind: "partitioned", reason: "alone" });
    await one.start();
    expect(await refusalOf(one.call(A, "get"))).toBe("node.partitioned not_started PARTITIONED");
  });

  test("drains: finishes what runs, hands back what waits, releases, closes its session", async () => {
    const one = await new OneNode().start();
    one.host.holding = true;
    const running = one.call(A, "add", "x");
    await one.settle();
    const waiting = refusalOf(one.call(A, "add", "y"));
    await one.settle();
    const drained = one.node.drain(5_000);
    expect(await waiting).toBe("node.draining not_started DRAINING");
    expect(await refusalOf(one.call(counter("b"), "get"))).toBe(
      "node.draining not_started DRAINING",
    );
    one.host.release();
    expect(value(await running)).toBe(1);
    expect(await drained).toBe(true);
    expect((await one.store.sessions.list()).map(({ state }) => state)).toEqual(["closed"]);
    expect(one.clock.pending).toBe(0);
  });

  test("lets running turns call actors that nobody has called before while it drains", async () => {
    const one = await new OneNode().start();
    one.host.holding = true;
    const running = one.call(A, "add", "x");
    await one.settle();
    const drained = one.node.drain(5_000);
    await one.settle();
    const inner = await one.call(counter("b"), "get", null, { chain: [A] });
    expect(inner.revision).toBe(0);
    one.host.release();
    expect(value(await running)).toBe(1);
    await one.clock.advance(100);
    expect(one.node.table.activations).toBe(0);
    expect(await drained).toBe(true);
  });

  test("keeps nothing of an actor whose first call was refused", async () => {
    const one = await new OneNode().start({ mailboxBytes: 1_024 });
    const big = one.call(A, "add", "x".repeat(2_000));
    expect(await refusalOf(big)).toBe("mailbox.full not_started MAILBOX_FULL");
    expect(await refusalOf(one.call(A, "get", null, { chain: [A] }))).toBe(
      "call.cycle not_started REENTRANCY",
    );
    expect(one.node.table.activations).toBe(0);
  });

  test("survives a bug of its own: that activation ends, its calls hear it at their deadlines", async () => {
    const one = await new OneNode().start();
    const claim = one.store.claim.bind(one.store);
    const poison = ["id"];
    poison[Symbol.iterator] = () => {
      throw new Error("a bug");
    };
    one.store.claim = async (request) => {
      one.store.claim = claim;
      const results = await claim(request);
      return results.map((result) => ({ ...result, requestIds: poison }));
    };
    const lost = refusalOf(one.call(A, "add", "x", { deadlineMs: 100 }));
    await one.settle();
    expect(one.logged).toEqual(["activation.broken"]);
    one.host.holding = true;
    const running = one.call(A, "add", "y");
    await one.settle();
    const waiting = one.call(A, "add", "z");
    await one.clock.advance(120);
    expect(await lost).toBe("internal.bug unknown");
    expect(one.node.table.mailboxes().calls).toBe(1);
    one.host.holding = false;
    one.host.release();
    expect([value(await running), value(await waiting)]).toEqual([1, 2]);
    expect(one.node.table.inFlight).toBe(0);
  });

  test("that is drained while it starts does not start after all", async () => {
    const one = new OneNode();
    const open = one.store.sessions.open.bind(one.store.sessions);
    let answer = (): void => undefined;
    one.store.sessions.open = async (request) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return await open(request);
    };
    const started = one.node.start();
    expect(await one.node.drain(1_000)).toBe(true);
    answer();
    await started;
    expect(one.node.status).toBe("stopping");
    expect((await one.store.sessions.list()).map(({ state }) => state)).toEqual(["closed"]);
    expect(one.clock.pending).toBe(0);
  });

  test("says so if the drain's time runs out", async () => {
    const one = await new OneNode().start();
    one.host.execute = () => undefined;
    const running = refusalOf(one.call(A, "add", "x"));
    await one.settle();
    const drained = one.node.drain(1_000);
    await one.clock.advance(1_000);
    expect(await drained).toBe(false);
    expect(await running).toBe("host.unavailable not_applied HOST_LOST");
    expect(one.logged).toContain("drain.timeout");
  });

  test("fences all its actors when its session is lost, and goes on with a new one", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    await one.store.sessions.fence(1, true);
    expect(await refusalOf(one.call(A, "add", "y"))).toBe("state.fenced not_applied");
    await one.clock.advance(5_000);
    expect(one.node.rooms.main.sessions.current).toBe(2);
    expect(value(await one.call(A, "add", "y"))).toBe(2);
  });
});

describe("what clients may ask besides", () => {
  test("spawn records a key and its tags once, without activating it", async () => {
    const { service, table } = (await new OneNode().start()).node;
    expect(await service.spawn(ANONYMOUS, A, { colour: "red" })).toBe(true);
    expect(await service.spawn(ANONYMOUS, A, { colour: "blue" })).toBe(false);
    expect(table.activations).toBe(0);
    const found = await service.list(ANONYMOUS, {
      system: "sim",
      tags: { colour: "red" },
      limit: 9,
    });
    expect(found.rows.map(({ actor }) => actor.key)).toEqual(["a"]);
  });

  test("spawn does not say that it recorded what the store refused", async () => {
    const one = await new OneNode().start();
    one.store.commit = async () => ["fenced"];
    expect(await refusalOf(one.node.service.spawn(ANONYMOUS, A, { colour: "red" }))).toBe(
      "state.fenced not_applied",
    );
  });

  test("history shows what was, and restore brings it back as something new", async () => {
    const one = await new OneNode().start();
    for (const word of ["x", "y"]) await one.call(A, "add", word);
    const { service } = one.node;
    const past = await service.history(ANONYMOUS, A, { limit: 9, withStates: true });
    expect(past.revisions.map(({ row, state }) => [row.revision, fromPayload(state)])).toEqual([
      [2, { ops: ["x", "y"] }],
      [1, { ops: ["x"] }],
    ]);
    expect(await service.restore(ANONYMOUS, A, 1, "")).toBe(3);
    expect(value(await one.call(A, "get"))).toEqual({ ops: ["x"] });
    expect(await refusalOf(service.restore(ANONYMOUS, A, 77, ""))).toBe(
      "actor.unknown not_started REVISION_UNKNOWN",
    );
  });

  test("watch begins with the state now and shows each later one", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    const seen: StateView[] = [];
    const stop = await one.node.service.watch(
      ANONYMOUS,
      A,
      (view) => void seen.push(view),
      () => undefined,
    );
    await one.call(A, "add", "y");
    await one.call(A, "get");
    stop();
    await one.call(A, "add", "z");
    expect(seen.map(({ revision, state }) => [revision, fromPayload(state)])).toEqual([
      [1, { ops: ["x"] }],
      [2, { ops: ["x", "y"] }],
    ]);
  });

  test("the state of an actor that has none is no state, not an error", async () => {
    const one = await new OneNode().start();
    const reply = await one.call(counter("new"), "get");
    expect([reply.revision, reply.payload.data.length]).toEqual([0, 0]);
  });
});
