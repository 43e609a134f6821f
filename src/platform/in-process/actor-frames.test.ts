import { expect, test } from "bun:test";
import { EMPTY_MAP, type Invocation } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import { packInvocations, packResults, unpackInvocations, unpackResults } from "./actor-frames.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (text: string) => ({ type: "application/json", data: bytes(text) });

const call: Invocation = {
  actor: { system: "default", type: "cart", key: "änn\ud800" },
  action: "add",
  payload: json("[1]"),
  requestId: "r-1",
  metadata: { tenant: "a", ["__proto__"]: "b" },
  caller: { kind: "client", id: "me", roles: ["buyer"] },
  chain: [],
  deadlineMs: 1_500,
  trace: undefined,
  hops: 0,
};

function invocationOf(state: HostInvocation["state"], turns: number): HostInvocation {
  const { actor } = call;
  const list = Array.from({ length: turns }, (_, index) => {
    return { turnId: index, attempt: 1, invocation: call };
  });
  const tags = { colour: "red" };
  return { id: 7, actor, state, revision: 3, epoch: 2, tags, turns: list, keepStates: true };
}

test("invocations arrive as they were sent, with deadlines in the clock of the other side", () => {
  const sent = [invocationOf(undefined, 1), invocationOf(json(`"${"x".repeat(9_000)}"`), 3)];
  const got = unpackInvocations(packInvocations(sent, 1_000), 50_000);
  const expected = sent.map((invocation) => ({
    ...invocation,
    turns: invocation.turns.map((turn) => ({
      ...turn,
      invocation: { ...call, deadlineMs: 50_500 },
    })),
  }));
  expect(got).toEqual(expected);
});

const result: HostResult = {
  id: 7,
  failure: undefined,
  state: json('{"count":1}'),
  tags: { colour: "blue" },
  outcomes: [
    {
      turnId: 1,
      failure: undefined,
      reply: json("1"),
      metadata: { seen: "yes" },
      changed: true,
      effects: [{ kind: "broadcast", channel: "c", action: "a", payload: json("2"), metadata: {} }],
      state: json("3"),
    },
    {
      turnId: 2,
      failure: { code: "invalid_argument", message: "no" },
      reply: json(""),
      metadata: EMPTY_MAP,
      changed: false,
      effects: [],
    },
  ],
};

test("results arrive as they were sent, and a state does not hold on to its frame", () => {
  const failure = { code: "unknown", message: "broken" };
  const failed = { id: 8, failure, state: undefined, tags: undefined, outcomes: [] };
  const got = unpackResults(packResults([result, failed]));
  expect(got).toEqual([result, failed]);
  expect(got[0]?.state?.data.buffer.byteLength).toBe(result.state?.data.length);
});
