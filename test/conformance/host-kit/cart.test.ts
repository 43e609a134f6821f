import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Invocation } from "../../../src/domain/invocation.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { json, valueOf } from "./kit-actors.ts";
import { KitServer } from "./kit-server.ts";

test("the attached cart adds, refuses, and pays at the till", async () => {
  await using kit = await KitServer.start();
  const host = Bun.spawn([process.execPath, "examples/attached-cart.ts"], {
    cwd: join(import.meta.dir, "..", "..", ".."),
    env: { ...process.env, TROUPE_URL: kit.url, TROUPE_TOKEN: kit.token },
    stdout: "ignore",
    stderr: "inherit",
  });
  try {
    await waitUntil("the cart attaches", () => kit.gate.attached.length > 0);
    const id = { system: "default", type: "cart", key: "alice" };
    const call = async (action: string, value: unknown): Promise<unknown> => {
      const { invocation } = kit.actors.turn(id, action, json(value));
      return valueOf((await kit.actors.invoke(invocation satisfies Invocation)).payload);
    };
    expect(await call("add", { sku: "tea", quantity: 2, cents: 450 })).toBe(900);
    expect(await call("add", { sku: "pot", quantity: 1, cents: 1200 })).toBe(2100);
    await expect(call("remove", "coffee")).rejects.toMatchObject({
      details: { hostCode: "not_found" },
    });
    expect(await call("remove", "pot")).toBe(900);
    expect(await call("checkout", null)).toEqual({ receipt: 1, cart: "alice", cents: 900 });
    await expect(call("add", { sku: "tea", quantity: 1, cents: 450 })).rejects.toMatchObject({
      details: { hostCode: "failed_precondition" },
    });
    expect(await call("total", null)).toBe(900);
  } finally {
    host.kill();
    await host.exited;
  }
});
