import { expect, test } from "bun:test";
import { runTurns, simSpec } from "../../test/simulation/sim-actors.ts";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import type { CallSignal } from "../domain/invocation.ts";

const A = counter("a");

test("a call lets go of its signal once it is answered, for some signals live for ever", async () => {
  const one = await new OneNode().start();
  const listeners = new Set<() => void>();
  const signal: CallSignal = {
    aborted: false,
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  };
  one.host.holding = true;
  const calls = [one.call(A, "add", "x", {}, signal), one.call(A, "refuse", "x", {}, signal)];
  await one.settle();
  expect(listeners.size).toBe(2);
  one.host.holding = false;
  one.host.release();
  await Promise.allSettled(calls);
  expect(listeners.size).toBe(0);
});

test("actors that are active when their type gets other settings begin anew under those", async () => {
  const one = await new OneNode().start();
  await one.call(A, "add", "x");
  expect(one.node.table.activeEpoch(A)).toBe(1);
  const actions = [{ name: "get", readOnly: false }];
  one.node.hosts.addTypes(one.host, [{ ...simSpec("counter", 100, true), actions }]);
  one.host.holding = true;
  const got = one.call(A, "get", "y");
  await one.settle();
  // The new version answers for itself what the server answered from the state before.
  expect(one.host.held.map(({ turns }) => turns[0]?.invocation.action)).toEqual(["get"]);
  one.host.release();
  expect((await got).revision).toBe(2);
  expect(one.node.table.activeEpoch(A)).toBe(2);
});

test("a turn whose caller gave up keeps its place: the next one begins when it has ended", async () => {
  const one = await new OneNode().start();
  one.host.holding = true;
  const abort = new AbortController();
  const slow = refusalOf(one.call(A, "add", "slow", {}, abort.signal));
  await one.settle();
  abort.abort();
  expect(await slow).toContain("call.canceled unknown");
  const next = one.call(A, "add", "next");
  await one.settle();
  expect(one.host.held).toHaveLength(1);
  one.host.release();
  await one.settle();
  one.host.release();
  expect((await next).revision).toBe(2);
});

test("a reply whose type is longer than its record can say is refused, and nothing is kept", async () => {
  const one = await new OneNode().start();
  one.host.execute = (invocation) => {
    const result = runTurns(invocation);
    const outcomes = result.outcomes.map((outcome) => ({
      ...outcome,
      reply: { type: "t".repeat(70_000), data: new Uint8Array(3) },
    }));
    queueMicrotask(() => one.node.hosts.results(one.host, [{ ...result, outcomes }]));
  };
  expect(await refusalOf(one.call(A, "add", "x", { requestId: "id" }))).toBe(
    "host.invalid_reply not_applied HOST_REPLY_INVALID",
  );
  expect((await one.call(A, "get")).revision).toBe(0);
});

test("a type that registers one read action of its own answers no others", async () => {
  const actions = [{ name: "get", readOnly: true }];
  const one = await new OneNode().start({ actions });
  expect(await refusalOf(one.call(A, "getState"))).toBe("actor.unknown not_started ACTION_UNKNOWN");
  one.host.close("gone");
  expect(await refusalOf(one.call(A, "get"))).toBe("host.unavailable not_started HOST_ABSENT");
});

test("the payloads of all calls under way are bounded together, and let go with their answers", async () => {
  const one = await new OneNode({ mailboxMemoryBytes: 2_000 }).start();
  one.host.holding = true;
  const first = one.call(A, "add", "x".repeat(1_500));
  await one.settle();
  const second = (): Promise<string> => refusalOf(one.call(counter("b"), "add", "x".repeat(1_500)));
  expect(await second()).toBe("quota.exceeded not_started IN_FLIGHT");
  one.host.holding = false;
  one.host.release();
  await first;
  expect(await second()).toBe("accepted");
  expect(await second()).toBe("accepted");
});
