import { describe, expect, test } from "bun:test";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import { madeInvocation } from "../../test/support/made-call.ts";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import type { ActorId } from "../domain/actor.ts";
import { ANONYMOUS, NEVER } from "../domain/invocation.ts";

const A = counter("a");
const PAGE = { system: "sim", limit: 2 };

test("an actor whose key was recorded with tags is called like any other", async () => {
  const one = await new OneNode().start();
  await one.node.service.spawn(ANONYMOUS, A, { colour: "red" });
  one.host.holding = true;
  const added = one.call(A, "add", "x");
  await one.settle();
  // The host is told that there is no state, and not of one without a type.
  expect(one.host.held.map(({ state, tags }) => [state, tags])).toEqual([
    [undefined, { colour: "red" }],
  ]);
  one.host.release();
  expect(fromPayload((await added).payload)).toBe(1);
  expect(await one.node.service.deactivate(ANONYMOUS, A)).toBe(true);
  const found = await one.node.service.list(ANONYMOUS, PAGE);
  expect(found.rows.map(({ revision, tags }) => [revision, tags])).toEqual([
    [2, { colour: "red" }],
  ]);
});

test("spawn of an active actor leaves its activation alone", async () => {
  const one = await new OneNode().start();
  await one.call(A, "get");
  expect(await one.node.service.spawn(ANONYMOUS, A, { colour: "red" })).toBe(false);
  expect(fromPayload((await one.call(A, "add", "x")).payload)).toBe(1);
});

describe("a listing", () => {
  test("asks the policy about every row, and leaves out what it denies", async () => {
    const one = await new OneNode().start();
    for (const key of ["open1", "secret1", "open2", "secret2", "secret3"]) {
      await one.node.service.spawn(ANONYMOUS, counter(key), {});
    }
    one.policy = (question) => {
      const secret = question.kind === "invoke" && question.target.key.startsWith("secret");
      return { allowed: !secret, rule: "no secrets" };
    };
    const first = await one.node.service.list(ANONYMOUS, PAGE);
    expect(first.rows.map(({ actor }) => actor.key)).toEqual(["open1", "open2"]);
    const { next } = first;
    if (next === undefined) throw new Error("the listing ends early");
    const last = await one.node.service.list(ANONYMOUS, { ...PAGE, after: next });
    expect(last).toEqual({ rows: [], next: undefined });
    // Nobody asked for those rows, so nobody was refused.
    expect(one.denied).toEqual([]);
  });

  test("looks through a bounded number of rows, and says where to go on", async () => {
    const one = await new OneNode().start();
    const keys = Array.from({ length: 60 }, (_, i) => `k${String(i).padStart(2, "0")}`);
    for (const key of keys) await one.node.service.spawn(ANONYMOUS, counter(key), {});
    one.policy = (question) => {
      const last = question.kind === "invoke" && question.target.key === "k59";
      return { allowed: last, rule: "the last alone" };
    };
    const first = await one.node.service.list(ANONYMOUS, PAGE);
    expect([first.rows.length, first.next?.key]).toEqual([0, "k39"]);
    const after = { type: "counter", key: first.next?.key ?? "" };
    const rest = await one.node.service.list(ANONYMOUS, { ...PAGE, after });
    expect(rest.rows.map(({ actor }) => actor.key)).toEqual(["k59"]);
  });
});

describe("past states", () => {
  test("come in pages that a message holds, read a few at a time", async () => {
    const one = await new OneNode({ messageBytes: 8_192 }).start();
    for (const word of ["a", "b", "c"]) await one.call(A, "add", word.repeat(1_500));
    const { service } = one.node;
    const query = { limit: 100, withStates: true };
    const page = await service.history(ANONYMOUS, A, query);
    expect([page.revisions.map(({ row }) => row.revision), page.next]).toEqual([[3], 2]);
    const rest = await service.history(ANONYMOUS, A, { ...query, toRevision: 2 });
    expect([rest.revisions.map(({ row }) => row.revision), rest.next]).toEqual([[2], 1]);
    const seen = await service.history(ANONYMOUS, A, { limit: 100, withStates: false });
    expect(
      seen.revisions.map(({ row, size, state }) => [row.revision, size > 1_500, state]),
    ).toEqual([3, 2, 1].map((revision) => [revision, true, undefined]));
    expect("state" in (seen.revisions[0]?.row ?? {})).toBe(false);
  });

  test("are asked of the store a few at a time, as many as were asked for", async () => {
    const one = await new OneNode().start();
    for (let count = 0; count < 30; count += 1) await one.call(A, "add", "x");
    const list = one.store.history.list.bind(one.store.history);
    const limits: number[] = [];
    one.store.history.list = (actor, range) => {
      limits.push(range.limit);
      return list(actor, range);
    };
    const page = await one.node.service.history(ANONYMOUS, A, { limit: 20, withStates: true });
    expect([page.revisions.length, page.next]).toEqual([20, 10]);
    expect(Math.max(...limits)).toBeLessThanOrEqual(8);
    const rest = { limit: 20, withStates: true, toRevision: page.next ?? 0 };
    const last = await one.node.service.history(ANONYMOUS, A, rest);
    expect([last.revisions.length, last.next]).toEqual([10, undefined]);
  });
});

test("a restore under a request id is of that revision alone", async () => {
  const one = await new OneNode().start();
  for (const word of ["x", "y"]) await one.call(A, "add", word);
  const { service } = one.node;
  expect(await service.restore(ANONYMOUS, A, 1, "id")).toBe(3);
  expect(await service.restore(ANONYMOUS, A, 1, "id")).toBe(3);
  expect(await refusalOf(service.restore(ANONYMOUS, A, 2, "id"))).toContain(
    "request.id_conflict not_applied",
  );
});

test("a look at an actor activates nothing and makes no row; what is committed is shown", async () => {
  const one = await new OneNode().start();
  const look = (id: ActorId) =>
    one.node.service.invoke(
      madeInvocation({ action: "get", actor: id, operation: { kind: "state" } }),
      NEVER,
    );
  expect((await look(counter("nobody"))).revision).toBe(0);
  expect(await one.store.read(counter("nobody"))).toBeUndefined();
  await one.call(A, "add", "x");
  await one.node.service.deactivate(ANONYMOUS, A);
  await waitUntil("the activation is over", () => one.node.table.activations === 0);
  expect([(await look(A)).revision, one.node.table.activations]).toEqual([1, 0]);
});
