import { expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../domain/invocation.ts";
import { ServerError } from "../domain/error.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import { makeActivatorDoor } from "./activator-door.ts";
import { Webhooks } from "./webhooks.ts";

test("an outside event passes the check of its names before it reaches an actor", async () => {
  const one = await new OneNode().start();
  const door = makeActivatorDoor("hooks", {
    invoker: one.node.router,
    store: one.store,
    webhooks: new Webhooks(),
    clock: Object.assign(one.clock, { defer: queueMicrotask }),
    limits: DEFAULT_LIMITS,
    bootId: "boot",
    checkCall: ({ actor }) => {
      if (!actor.key.includes("\0")) return;
      throw new ServerError("request.invalid", "no", "not_started", { reason: "ID_CHARSET" });
    },
  });
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
