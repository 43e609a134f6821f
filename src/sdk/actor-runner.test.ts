import { describe, expect, test } from "bun:test";
import { ANONYMOUS, EMPTY_MAP, JSON_TYPE, type Payload } from "../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../domain/turn.ts";
import type { Actor } from "./actor.ts";
import type { RunnerPort } from "./actor-context.ts";
import { failureOf, runInvocation, runInvocationNow } from "./actor-runner.ts";
import { fromPayload, jsonPayload } from "./json-payload.ts";

interface Counter {
  count: number;
  note?: string;
}

const counter = {
  type: "counter",
  initial: { count: 0 },
  readOnly: ["get"],
  actions: {
    add(ctx, n: number) {
      ctx.state.count += n;
      return ctx.state.count;
    },
    get: (ctx) => ctx.state.count,
    assign(ctx, state: Counter) {
      ctx.state = state;
    },
    fail(ctx) {
      ctx.state.count = 99;
      ctx.tags["dirty"] = "yes";
      ctx.send("log/all", "write", "lost");
      throw Object.assign(new Error("no more money"), { code: "insufficient_funds" });
    },
    async later(ctx) {
      await Promise.resolve();
      ctx.state.count += 1;
    },
    tag(ctx, value: string) {
      ctx.tags["colour"] = value;
    },
    remove: (ctx) => ctx.delete(),
    ask: (ctx, target: string) => ctx.call(target, "get", 7, { timeoutMs: 5 }),
    effects(ctx) {
      ctx.send(
        { system: "other", type: "log", key: "a" },
        "write",
        { x: 1 },
        { delayMs: 5, requestId: "r" },
      );
      ctx.forward("log/b/c", "write");
      ctx.pipe("log/c", "write");
      ctx.broadcast("news", "", "hi");
      ctx.schedule("tick", { kind: "every", ms: 1000 }, "add", 1);
      ctx.cancel("tock");
      ctx.checkpoint();
    },
    raw: (): Payload => ({ type: "type.googleapis.com/x", data: new Uint8Array([1, 2]) }),
  },
} satisfies Actor<Counter>;

const calls: RunnerPort = {
  now: () => 100,
  call: (_turn, { target, action, payload }) =>
    target.key === "gone"
      ? Promise.reject(Object.assign(new Error("it is gone"), { code: "not_found" }))
      : Promise.resolve(jsonPayload(JSON.stringify([target, action, fromPayload(payload)]))),
  signal: () => new AbortController().signal,
};

function invocation(
  turns: readonly (readonly [string, unknown?])[],
  more: Partial<HostInvocation> = {},
): HostInvocation {
  const actor = { system: "default", type: "counter", key: "ключ" };
  const hostTurns = turns.map(
    ([action, payload], index): HostTurn => ({
      turnId: index + 1,
      attempt: 1,
      invocation: {
        actor,
        action,
        payload:
          payload === undefined
            ? { type: "", data: new Uint8Array(0) }
            : jsonPayload(JSON.stringify(payload)),
        requestId: "",
        metadata: EMPTY_MAP,
        caller: ANONYMOUS,
        chain: [],
        deadlineMs: 1100,
        trace: undefined,
        hops: 0,
      },
    }),
  );
  return {
    id: 1,
    actor,
    state: undefined,
    revision: 0,
    epoch: 1,
    tags: EMPTY_MAP,
    turns: hostTurns,
    keepStates: false,
    ...more,
  };
}

const run = (turns: readonly (readonly [string, unknown?])[], more?: Partial<HostInvocation>) =>
  runInvocation(counter, invocation(turns, more), calls);
const json = (payload: Payload | undefined): unknown =>
  payload === undefined ? undefined : fromPayload(payload);

describe("runInvocation", () => {
  test("runs turns in order, each on the state the one before left", async () => {
    const result = await run([["add", 2], ["add", 3], ["later"], ["get"]]);
    expect(result.outcomes.map(({ reply }) => json(reply))).toEqual([2, 5, undefined, 6]);
    expect(result.outcomes.map(({ changed }) => changed)).toEqual([true, true, true, false]);
    expect(json(result.state)).toEqual({ count: 6 });
    expect(result.outcomes[0]).not.toHaveProperty("state");
  });

  test("a turn that throws leaves state, tags and effects as they were", async () => {
    const result = await run([["add", 2], ["fail"], ["add", 1]]);
    expect(result.outcomes[1]).toMatchObject({
      failure: { code: "insufficient_funds", message: "no more money" },
      changed: false,
      effects: [],
    });
    expect(json(result.state)).toEqual({ count: 3 });
    expect(result.tags).toBeUndefined();
  });

  test("does not leak state into `initial`, or between invocations", async () => {
    await run([["add", 2]]);
    expect(counter.initial).toEqual({ count: 0 });
    expect(json((await run([["add", 2]])).state)).toEqual({ count: 2 });
  });

  test("an actor without state that changes nothing stays without", async () => {
    const result = await run([["get"], ["fail"]]);
    expect(result.state).toBeUndefined();
    expect(result.outcomes.map(({ changed }) => changed)).toEqual([false, false]);
  });

  test("another host's spaces are no change", async () => {
    const result = await run([["get"], ["add", 0], ["add", 1]], {
      state: jsonPayload('{ "count": 4 }'),
    });
    expect(result.outcomes.map(({ changed }) => changed)).toEqual([false, false, true]);
    expect(json(result.state)).toEqual({ count: 5 });
  });

  test("keeps each changing turn's state when asked", async () => {
    const result = await run([["add", 1], ["get"], ["add", 1]], { keepStates: true });
    expect(result.outcomes.map(({ state }) => json(state))).toEqual([
      { count: 1 },
      undefined,
      { count: 2 },
    ]);
  });

  test("changed tags are a change", async () => {
    const result = await run([["tag", "red"]], { tags: { size: "l" } });
    expect(result.outcomes[0]?.changed).toBe(true);
    expect(result.tags).toEqual({ size: "l", colour: "red" });
    expect((await run([["tag", "red"]], { tags: { colour: "red" } })).tags).toBeUndefined();
  });

  test("after a delete the next turn begins anew", async () => {
    const result = await run([["add", 5], ["remove"], ["get"]], {
      state: jsonPayload('{"count":1}'),
    });
    expect(result.outcomes.map(({ reply }) => json(reply))).toEqual([6, undefined, 0]);
    expect(result.outcomes[1]?.effects).toEqual([{ kind: "delete", shred: false }]);
    expect(result.state).toBeUndefined();
    expect(json((await run([["remove"], ["add", 2]])).state)).toEqual({ count: 2 });
  });

  test("an unknown action is `unimplemented`, one of the prototype too", async () => {
    const result = await run([["nope"], ["toString"], ["constructor"]]);
    expect(result.outcomes.map((outcome) => outcome.failure?.code)).toEqual(
      Array<string>(3).fill("unimplemented"),
    );
  });

  test("a state that cannot be JSON fails the turn, a state that is none fails the invocation", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const odd = {
      type: "odd",
      actions: { loop: (ctx) => void (ctx.state = circular) },
    } satisfies Actor;
    const broken = await runInvocation(odd, invocation([["loop"]]), calls);
    expect(broken.outcomes[0]?.failure?.code).toBe("unknown");
    const foreign = { type: "type.googleapis.com/x", data: new Uint8Array([1]) };
    expect((await run([["get"]], { state: foreign })).failure?.code).toBe("failed_precondition");
    const torn = { type: JSON_TYPE, data: new Uint8Array([0x7b]) };
    expect((await run([["get"]], { state: torn })).failure).toBeDefined();
  });

  test("effects carry what was asked for", async () => {
    const [outcome] = (await run([["effects"]])).outcomes;
    expect(outcome?.effects.map(({ kind }) => kind)).toEqual([
      "send",
      "forward",
      "pipe",
      "broadcast",
      "schedule",
      "cancel",
      "checkpoint",
    ]);
    expect(outcome?.effects[0]).toMatchObject({
      target: { system: "other", type: "log", key: "a" },
      delayMs: 5,
      requestId: "r",
    });
    expect(outcome?.effects[1]).toMatchObject({
      target: { system: "default", type: "log", key: "b/c" },
    });
    expect(outcome?.changed).toBe(false);
  });

  test("calls go out, and their errors come back with their code", async () => {
    const result = await run([
      ["ask", "counter/x"],
      ["ask", "counter/gone"],
      ["ask", "nobody"],
    ]);
    expect(json(result.outcomes[0]?.reply)).toEqual([
      { system: "default", type: "counter", key: "x" },
      "get",
      7,
    ]);
    expect(result.outcomes[1]?.failure).toEqual({ code: "not_found", message: "it is gone" });
    expect(result.outcomes[2]?.failure?.message).toContain("type/key");
  });

  test("a payload that is no JSON travels as it is", async () => {
    const [outcome] = (await run([["raw"]])).outcomes;
    expect(outcome?.reply).toEqual({ type: "type.googleapis.com/x", data: new Uint8Array([1, 2]) });
  });
});

test("actions that answer at once make no promise, and one that waits keeps the order", async () => {
  const port: RunnerPort = {
    now: () => 0,
    call: () => Promise.reject(new Error("nothing is called")),
    signal: () => new AbortController().signal,
  };
  const order: string[] = [];
  const actor: Actor = {
    type: "order",
    actions: {
      now: () => void order.push("now"),
      later: async () => {
        await Promise.resolve();
        order.push("later");
      },
    },
  };
  const turns = (...actions: string[]): HostInvocation => {
    const id = { system: "default", type: "order", key: "a" };
    const made = actions.map((action, turnId): HostTurn => {
      const call = { actor: id, action, payload: { type: "", data: new Uint8Array(0) } };
      const rest = { requestId: "", metadata: EMPTY_MAP, caller: ANONYMOUS, chain: [], hops: 0 };
      const invocation = { ...call, ...rest, deadlineMs: 1_000, trace: undefined };
      return { turnId, attempt: 1, invocation };
    });
    const base = { id: 1, actor: id, state: undefined, revision: 0, epoch: 1, tags: EMPTY_MAP };
    return { ...base, turns: made, keepStates: false };
  };
  expect(runInvocationNow(actor, turns("now", "now"), port)).toMatchObject({ id: 1 });
  expect(order).toEqual(["now", "now"]);
  const result = await runInvocationNow(actor, turns("later", "now"), port);
  expect(result.outcomes.map(({ turnId }) => turnId)).toEqual([0, 1]);
  expect(order).toEqual(["now", "now", "later", "now"]);
});

test("whatever an action throws, the failure is text that can be sent and has an end", () => {
  const lone = failureOf(Object.assign(new Error("a \ud800 b"), { code: "x\ud800" }));
  expect([lone.message, lone.code]).toEqual(["a \ufffd b", "x\ufffd"]);
  const long = failureOf(Object.assign(new Error("m".repeat(9_999)), { code: "c".repeat(999) }));
  expect([long.message.length, long.code.length]).toEqual([4_096, 64]);
  expect(failureOf(Object.create(null))).toEqual({ code: "unknown", message: "" });
  expect(failureOf("\udfff")).toEqual({ code: "unknown", message: "\ufffd" });
});
