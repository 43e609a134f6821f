import { expect, test } from "bun:test";
import { ANONYMOUS, EMPTY_MAP, type StringMap } from "../src/domain/invocation.ts";
import type { HostInvocation, HostResult } from "../src/domain/turn.ts";
import { readActors } from "../src/platform/in-process/actor-module.ts";
import type { Actor } from "../src/sdk/actor.ts";
import { runInvocationNow } from "../src/sdk/actor-runner.ts";
import { fromPayload, toPayload } from "../src/sdk/json-payload.ts";
import * as cart from "./cart.ts";
import * as counter from "./counter.ts";

const NO_PORT = {
  now: () => 0,
  call: () => Promise.reject(new Error("nothing is called")),
  signal: () => new AbortController().signal,
};

function run(
  module: Readonly<Record<string, unknown>>,
  calls: readonly (readonly [string, unknown?])[],
): { readonly replies: readonly unknown[]; readonly tags: StringMap | undefined } {
  const { actors, problems } = readActors("example.ts", module, "default");
  expect(problems).toEqual([]);
  const actor = actors[0]?.actor as Actor;
  const id = { system: "default", type: actor.type, key: "a" };
  const turns = calls.map(([action, input], turnId) => {
    const call = { actor: id, action, payload: toPayload(input), requestId: "", hops: 0 };
    const rest = { metadata: EMPTY_MAP, caller: ANONYMOUS, chain: [], deadlineMs: 1_000 };
    return { turnId, attempt: 1, invocation: { ...call, ...rest, trace: undefined } };
  });
  const base = { id: 1, actor: id, state: undefined, revision: 0, epoch: 1, tags: EMPTY_MAP };
  const invocation: HostInvocation = { ...base, turns, keepStates: false };
  const result = runInvocationNow(actor, invocation, NO_PORT) as HostResult;
  const replies = result.outcomes.map(({ failure, reply }) => failure?.code ?? fromPayload(reply));
  return { replies, tags: result.tags };
}

test("the counter answers the new count, and adding 0 reads it", () => {
  const calls = [
    ["add", 2],
    ["add", "x"],
    ["add", 3],
    ["add", 0],
  ] as const;
  expect(run(counter, calls).replies).toEqual([2, "invalid_argument", 5, 5]);
});

test("the cart keeps items, sums them up, is found by its tags and is ordered once", () => {
  const { replies, tags } = run(cart, [
    ["order"],
    ["put", { sku: "tea", quantity: 2, priceCents: 450 }],
    ["put", { sku: "pot", priceCents: 1_999 }],
    ["put", { sku: "pot", quantity: -1, priceCents: 1 }],
    ["remove", "cup"],
    ["total"],
    ["remove", "pot"],
    ["order"],
    ["put", { sku: "tea", priceCents: 1 }],
  ]);
  expect(replies).toEqual([
    "cart_empty",
    1,
    2,
    "invalid_argument",
    "not_in_cart",
    2_899,
    1,
    { orderedCents: 900 },
    "cart_ordered",
  ]);
  expect(tags).toEqual({ status: "ordered", lines: "1" });
});
