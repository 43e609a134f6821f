import { expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../domain/invocation.ts";
import { ServerError } from "../domain/error.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import { type ActivatorDoor, makeActivatorDoor } from "./activator-door.ts";
import { Webhooks } from "./webhooks.ts";

function doorOf(one: OneNode, bootId: string): ActivatorDoor {
  return makeActivatorDoor("hooks", {
    invoker: one.node.router,
    store: () => one.store,
    webhooks: new Webhooks(),
    clock: Object.assign(one.clock, { defer: queueMicrotask }),
    limits: DEFAULT_LIMITS,
    bootId,
    checkCall: ({ actor }) => {
      if (!actor.key.includes("\0")) return;
      throw new ServerError("request.invalid", "no", "not_started", { reason: "ID_CHARSET" });
    },
  });
}

test("an outside event passes the check of its names before it reaches an actor", async () => {
  const one = await new OneNode().start();
  const door = doorOf(one, "boot");
  const rest = { requestId: "", metadata: EMPTY_MAP, timeoutMs: 1_000 };
  const call = (key: string) =>
    door.invoke(
      { actor: counter(key), action: "get", payload: EMPTY_PAYLOAD, ...rest },
      new AbortController().signal,
    );
  expect(await refusalOf(call("a\0b"))).toBe("request.invalid not_started ID_CHARSET");
  expect(one.node.table.activations).toBe(0);
  expect((await call("a")).revision).toBe(0);
});

test("what is claimed once is claimed by the first process that asks, in the main store", async () => {
  const one = await new OneNode({}, { shared: true, systems: { far: "archive" } }).start();
  const [first, second] = [doorOf(one, "b1"), doorOf(one, "b2")];
  expect(await first.claimOnce("5000")).toBe(true);
  expect(await second.claimOnce("5000")).toBe(false);
  expect(await first.claimOnce("5000")).toBe(true);
  expect(await one.store.meta.get("once/hooks/5000")).toBeDefined();
});
