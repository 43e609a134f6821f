import { expect, test } from "bun:test";
import { ANONYMOUS, type Caller } from "../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import { systemClock } from "../platform/clock.ts";
import { BLANK_CALL, toInvocation } from "./invoke-call.ts";

const caller: Caller = { kind: "client", id: "ann", roles: ["r"] };
const channel = { caller, timeoutMs: undefined, traceparent: "", tracestate: "" };
const rules = { limits: DEFAULT_LIMITS, clock: systemClock };
const call = { ...BLANK_CALL, type: "counter", key: "k", action: "add" };

test("a call made inside a turn inherits its chain, its principal and its deadline", () => {
  const outer = toInvocation({ ...call, key: "outer" }, { ...channel, timeoutMs: 500 }, rules);
  const running = { ...outer, chain: [{ system: "default", type: "first", key: "f" }] };
  const turn = (token: string) =>
    token === "good" ? { actorPath: "default/counter/outer", invocation: running } : undefined;
  const host = { ...channel, caller: { ...ANONYMOUS, kind: "host" as const } };
  const inner = toInvocation({ ...call, turnToken: "good" }, host, { ...rules, turn });
  expect(inner.chain.map(({ key }) => key)).toEqual(["f", "outer"]);
  expect(inner.caller).toEqual({ ...caller, actor: outer.actor });
  expect(inner.deadlineMs).toBe(outer.deadlineMs);
  expect(() => toInvocation({ ...call, turnToken: "over" }, host, { ...rules, turn })).toThrow(
    "the turn token names no running turn",
  );
  expect(() => toInvocation({ ...call, turnToken: "good" }, host, rules)).toThrow();
});

test("what this server does not offer is refused, not ignored", () => {
  const stream = { streamId: "s", seq: 3 };
  expect(() => toInvocation({ ...call, stream }, channel, rules)).toThrow(
    "this server does not order the calls of a stream",
  );
});

test("metadata may narrow the deadline, never widen it", () => {
  const left = (timeout: string, timeoutMs: number | undefined) =>
    toInvocation(
      { ...call, metadata: { "request-timeout": timeout } },
      { ...channel, timeoutMs },
      rules,
    ).deadlineMs - systemClock.now();
  expect(left("100", undefined)).toBeLessThanOrEqual(100);
  expect(left("9000", 50)).toBeLessThanOrEqual(50);
});
