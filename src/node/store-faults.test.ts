import { describe, expect, test } from "bun:test";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import type { ClaimRequest, CommitBatch } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";

const A = counter("a");

/** A node whose actor `a` is active and has one operation. */
async function active(): Promise<OneNode> {
  const one = await new OneNode().start();
  await one.call(A, "add", "x", { requestId: "first" });
  return one;
}

async function ops(one: OneNode): Promise<unknown> {
  return fromPayload((await one.call(A, "get")).payload);
}

function away(outcome: "not_applied" | "unknown"): ServerError {
  return new ServerError("state.unavailable", "away", outcome);
}

describe("a commit", () => {
  test("that the store refused by a definite error fails its call, and the actor goes on", async () => {
    const one = await active();
    const commit = one.store.commit.bind(one.store);
    one.store.commit = () => Promise.reject(away("not_applied"));
    expect(await refusalOf(one.call(A, "add", "y"))).toBe("state.unavailable not_applied");
    one.store.commit = commit;
    expect((await one.call(A, "add", "z")).revision).toBe(2);
    expect(await ops(one)).toEqual({ ops: ["x", "z"] });
  });

  test("that was applied although nobody said so is found, and its call hears OK", async () => {
    const one = await active();
    const commit = one.store.commit.bind(one.store);
    one.store.commit = async (batch: CommitBatch) => {
      one.store.commit = commit;
      await commit(batch);
      throw away("unknown");
    };
    expect((await one.call(A, "add", "y")).revision).toBe(2);
    expect(one.node.table.activeEpoch(A)).toBe(2);
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test("that was not applied is proven so, and its call may be repeated", async () => {
    const one = await active();
    const commit = one.store.commit.bind(one.store);
    one.store.commit = () => {
      one.store.commit = commit;
      return Promise.reject(away("unknown"));
    };
    expect(await refusalOf(one.call(A, "add", "y"))).toBe("state.unavailable not_applied");
    expect(await ops(one)).toEqual({ ops: ["x"] });
  });

  test("about which the store says too little is looked into like an unknown one", async () => {
    const one = await active();
    const commit = one.store.commit.bind(one.store);
    one.store.commit = async (batch: CommitBatch) => {
      one.store.commit = commit;
      await commit(batch);
      return [];
    };
    expect((await one.call(A, "add", "y")).revision).toBe(2);
    expect(await ops(one)).toEqual({ ops: ["x", "y"] });
  });

  test("carries the turns of all actors that are staged", async () => {
    const one = await active();
    const sizes: number[] = [];
    const commit = one.store.commit.bind(one.store);
    one.store.commit = (batch: CommitBatch) => {
      sizes.push(batch.commits.length);
      return commit(batch);
    };
    one.host.holding = true;
    one.node.hosts.credit(one.host, 2_000);
    const keys = Array.from({ length: 1_000 }, (_, i) => counter(`k${i}`));
    const calls = Promise.all(keys.map((key) => one.call(key, "add", "x")));
    await one.settle();
    one.host.release();
    await calls;
    // One goes at once; the others have gathered, and go by no more than the bound.
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512);
    expect(sizes.length).toBeLessThan(6);
  });

  test("without a session is not sent", async () => {
    const one = await active();
    one.store.commit = () => Promise.reject(new Error("sent"));
    one.host.holding = true;
    const running = refusalOf(one.call(A, "add", "y"));
    await one.settle();
    await one.node.rooms.main.sessions.stop();
    one.host.release();
    expect(await running).toBe("state.unavailable not_applied NO_SESSION");
    expect(await refusalOf(one.call(A, "add", "z"))).toBe(
      "state.unavailable not_started NO_SESSION",
    );
  });
});

describe("a load", () => {
  test("that fails is an error, never an empty actor", async () => {
    const one = await active();
    one.node.table.deactivate(A);
    const claim = one.store.claim.bind(one.store);
    one.store.claim = () => Promise.reject(away("not_applied"));
    expect(await refusalOf(one.call(A, "get"))).toBe("state.unavailable not_started");
    one.store.claim = async () => [{ kind: "damaged", reason: "REV_INVALID" }];
    expect(await refusalOf(one.call(A, "get"))).toBe("state.corrupt not_started REV_INVALID");
    one.store.claim = async () => [];
    expect(await refusalOf(one.call(A, "get"))).toContain("state.unavailable not_started");
    one.store.claim = async (request: ClaimRequest) => {
      const [result] = await claim(request);
      if (result?.kind !== "claimed" || result.state === undefined) return [];
      const data = result.state.data.slice();
      data[data.length - 1] = 0;
      return [{ ...result, state: { ...result.state, data } }];
    };
    expect(await refusalOf(one.call(A, "add", "y"))).toBe("state.corrupt not_started");
    one.store.claim = claim;
    expect(await ops(one)).toEqual({ ops: ["x"] });
  });

  test("of an actor that another node holds names the owner", async () => {
    const one = await new OneNode().start();
    const { sessions } = one.store;
    const other = { nodeName: "n2", bootId: "b", address: "", ttlMs: 60_000 };
    const { id } = await sessions.open(other);
    await one.store.claim({ sessionId: id, actors: [A], maxRequestIds: 0 });
    expect(await refusalOf(one.call(A, "get"))).toBe("routing.not_owner not_started NOT_OWNER");
    await sessions.close(id);
    expect((await one.call(A, "get")).revision).toBe(0);
  });
});

describe("a recorded reply", () => {
  test("that cannot be read is an error, never a second effect", async () => {
    const one = await active();
    const dedup = one.store.dedup.bind(one.store);
    one.store.dedup = () => Promise.reject(away("not_applied"));
    const repeat = () => one.call(A, "add", "x", { requestId: "first" });
    expect(await refusalOf(repeat())).toBe("state.unavailable not_started");
    one.store.dedup = async (actor, requestId) => {
      const record = await dedup(actor, requestId);
      return record && { ...record, reply: record.reply.map((byte) => byte ^ 1) };
    };
    expect(await refusalOf(repeat())).toBe("state.corrupt not_started");
    one.store.dedup = dedup;
    expect((await repeat()).replayed).toBe(true);
    expect(await ops(one)).toEqual({ ops: ["x"] });
  });
});
