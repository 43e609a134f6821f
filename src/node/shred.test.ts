import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import type { ServerError } from "../domain/error.ts";
import { ANONYMOUS, type Operation } from "../domain/invocation.ts";

const A = counter("a");
const R = { system: "sim", type: "register", key: "r" };
const SHRED: Operation = { kind: "delete", shred: true };

const shred = (one: OneNode, changes = {}) =>
  one.call(A, "delete", null, { operation: SHRED, ...changes });

async function ops(one: OneNode): Promise<unknown> {
  return fromPayload((await one.call(A, "get")).payload);
}

async function seed(one: OneNode): Promise<Uint8Array | undefined> {
  return (await one.store.seeds.find([A]))[0];
}

describe("an actor has a seed", () => {
  test("from its first commit that seals anything, and keeps it", async () => {
    const one = await new OneNode().start();
    expect(await seed(one)).toBeUndefined();
    expect(await ops(one)).toBeUndefined();
    expect(await seed(one)).toBeUndefined();
    await one.call(A, "add", "x");
    const first = await seed(one);
    expect(first).toBeDefined();
    await one.call(A, "add", "y");
    await one.node.service.deactivate(ANONYMOUS, A);
    await one.settle();
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
    await one.call(A, "add", "z");
    expect(await seed(one)).toEqual(first as Uint8Array);
  });

  test("also if that only records a reply, or the tags of a new key", async () => {
    const one = await new OneNode().start();
    await one.call(A, "get", null, { requestId: "read" });
    expect(await seed(one)).toBeDefined();
    const tagged = counter("tagged");
    await one.node.service.spawn(ANONYMOUS, tagged, { colour: "red" });
    expect((await one.store.seeds.find([tagged]))[0]).toBeDefined();
    await one.call(tagged, "add", "x");
    const { payload, tags } = await one.call(tagged, "get");
    expect(fromPayload(payload)).toEqual({ ops: ["x"] });
    expect(tags).toEqual({ colour: "red" });
  });

  test("but not in a store that keeps none, where nothing can be shredded", async () => {
    const one = new OneNode({}, { seedless: true });
    await one.start();
    await one.call(A, "add", "x", { requestId: "id" });
    expect(await ops(one)).toEqual({ ops: ["x"] });
    expect(await refusalOf(shred(one))).toBe("plugin.unsupported not_applied SHRED");
    expect(await refusalOf(one.call(R, "shred"))).toBe("plugin.unsupported not_applied SHRED");
    const plain = { kind: "delete", shred: false } as const;
    expect((await one.call(A, "delete", null, { operation: plain })).revision).toBe(2);
  });
});

describe("shredding", () => {
  test("leaves a tombstone with epoch and revision, and no way back", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    await one.call(A, "add", "y");
    const before = await one.store.read(A);
    expect((await shred(one)).revision).toBe(3);
    expect(await one.store.read(A)).toEqual({
      epoch: before?.epoch ?? 0,
      revision: 3,
      state: undefined,
      tags: {},
    });
    expect(await seed(one)).toBeUndefined();
    expect(await ops(one)).toBeUndefined();
    const page = await one.node.service.history(ANONYMOUS, A, { withStates: true, limit: 10 });
    expect(page.revisions.map(({ row, state }) => [row.revision, state])).toEqual([[3, undefined]]);
    const restored = one.node.service.restore(ANONYMOUS, A, 2, "");
    expect(await refusalOf(restored)).toBe("actor.unknown not_started REVISION_UNKNOWN");
    expect(one.logged.filter((line) => line.startsWith("shredded"))).toEqual(["shredded a r3"]);
  });

  test("is idempotent by its request id, and harmless without one", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    const first = await shred(one, { requestId: "gone" });
    const again = await shred(one, { requestId: "gone" });
    expect([first.revision, again.revision, again.replayed]).toEqual([2, 2, true]);
    expect((await shred(one)).revision).toBe(3);
    expect((await shred(one)).revision).toBe(4);
    expect(await seed(one)).toBeUndefined();
  });

  test("lets the actor live again under another seed", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x");
    const first = await seed(one);
    await shred(one);
    expect((await one.call(A, "add", "reborn")).revision).toBe(3);
    const second = await seed(one);
    expect(second).toBeDefined();
    expect(second).not.toEqual(first as Uint8Array);
    await one.node.service.deactivate(ANONYMOUS, A);
    await one.settle();
    expect(await ops(one)).toEqual({ ops: ["reborn"] });
    const { revisions } = await one.node.service.history(ANONYMOUS, A, {
      withStates: true,
      limit: 10,
    });
    expect(revisions.map(({ row, state }) => [row.revision, fromPayload(state)])).toEqual([
      [3, { ops: ["reborn"] }],
      [2, undefined],
    ]);
  });

  test("never runs a repeated request id again, and says that it was applied", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x", { requestId: "mine" });
    await shred(one);
    for (const reborn of [false, true]) {
      if (reborn) await one.call(A, "add", "y");
      const error: ServerError = await one
        .call(A, "add", "x", { requestId: "mine" })
        .then(() => Promise.reject(new Error("accepted")))
        .catch((cause) => cause);
      expect(error).toMatchObject({
        code: "actor.exists",
        outcome: "unknown",
        details: { reason: "SHREDDED", committed: true },
      });
      expect(error.message).not.toContain("a/");
    }
    expect(await ops(one)).toEqual({ ops: ["y"] });
  });

  test("by a turn of the host, among others of one commit", async () => {
    const one = await new OneNode().start();
    await one.call(R, "write", "before", { requestId: "w0" });
    const calls = [
      one.call(R, "write", "secret", { requestId: "w1" }),
      one.call(R, "shred", null, { requestId: "s" }),
      one.call(R, "write", "after", { requestId: "w2" }),
    ];
    await Promise.all(calls);
    expect(fromPayload((await one.call(R, "read")).payload)).toBe("after");
    const kept = await Promise.all(["w0", "w1", "s", "w2"].map((id) => one.store.dedup(R, id)));
    expect(kept.map((record) => record?.reply.length === 0)).toEqual([true, true, false, false]);
    expect(await refusalOf(one.call(R, "write", "secret", { requestId: "w1" }))).toBe(
      "actor.exists unknown SHREDDED",
    );
    expect((await one.call(R, "write", "after", { requestId: "w2" })).replayed).toBe(true);
    const { revisions } = await one.node.service.history(ANONYMOUS, R, {
      withStates: true,
      limit: 10,
    });
    expect(revisions.map(({ state }) => fromPayload(state))).toEqual([
      { value: "after" },
      undefined,
    ]);
  });

  test("whose commit was lost changes nothing", async () => {
    const one = await new OneNode().start();
    await one.call(A, "add", "x", { requestId: "mine" });
    const first = await seed(one);
    const commit = one.store.commit.bind(one.store);
    one.store.commit = async ({ commits }) => {
      one.store.commit = commit;
      return commits.map(() => "conflict");
    };
    expect(await refusalOf(shred(one))).toBe("state.conflict not_applied");
    expect(await seed(one)).toEqual(first as Uint8Array);
    expect(await ops(one)).toEqual({ ops: ["x"] });
    expect((await one.call(A, "add", "x", { requestId: "mine" })).replayed).toBe(true);
  });
});

test("past states are read with the seed of their time, also if it changes meanwhile", async () => {
  const one = await new OneNode().start();
  await one.call(A, "add", "x");
  const list = one.store.history.list.bind(one.store.history);
  one.store.history.list = async (actor, range) => {
    one.store.history.list = list;
    await shred(one);
    await one.call(A, "add", "reborn");
    return list(actor, range);
  };
  const { revisions } = await one.node.service.history(ANONYMOUS, A, {
    withStates: true,
    limit: 10,
  });
  expect(revisions.map(({ state }) => fromPayload(state))).toEqual([
    { ops: ["reborn"] },
    undefined,
  ]);
});
