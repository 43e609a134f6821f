import { describe, expect, test } from "bun:test";
import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { Replication } from "../../test/support/replication.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import type { ReadResult } from "../contract/index.ts";
import { ANONYMOUS } from "../domain/invocation.ts";

const A = counter("a");
const B = counter("b");
const STOPPED = "state.corrupt not_started STORE_REGRESSED";
const LOOK = { operation: { kind: "state" } } as const;

interface Pair {
  readonly one: OneNode;
  readonly replication: Replication;
}

/**
 * A node on a store with a replica. Actor `a` has two operations, of which the replica knows the first;
 * `b` has one that it knows.
 */
async function pair(): Promise<Pair> {
  const one = new OneNode({}, { shared: true });
  const replica = new MemoryStatestore(statestoreHost("", { clock: one.clock }));
  const replication = new Replication(one.store, replica);
  await one.start();
  await one.call(B, "add", "b1");
  await one.call(A, "add", "a1");
  await replication.catchUp();
  await one.call(A, "add", "a2");
  return { one, replication };
}

async function idle({ one }: Pair): Promise<void> {
  await one.node.service.deactivate(ANONYMOUS, A);
  await one.settle();
  expect(one.node.table.activeEpoch(A)).toBeUndefined();
}

async function ops(one: OneNode, actor = A): Promise<unknown> {
  return fromPayload((await one.call(actor, "get")).payload);
}

/** The actor was stopped once, which was said with its name and without its state. */
function expectSaid(one: OneNode, reason = "STORE_REGRESSED"): void {
  expect(one.anomalies).toEqual(["store_regressed"]);
  expect(one.errors).toHaveLength(1);
  const [event, fields] = one.errors[0] ?? [];
  expect([event, fields?.["actor"], fields?.["reason"]]).toEqual([
    "store.regressed",
    "sim/counter/a",
    reason,
  ]);
  expect(JSON.stringify(fields)).not.toContain("a2");
}

describe("DB-055: a fail-over to a replica that lags is noticed", () => {
  test("by the commit of an actor that is active", async () => {
    const { one, replication } = await pair();
    replication.failOver();
    expect(await refusalOf(one.call(A, "add", "a3"))).toBe("state.conflict not_applied");
    expect(await refusalOf(one.call(A, "add", "a4"))).toBe(STOPPED);
    expect(one.ended[0]).toBe("damaged");
    expectSaid(one);
  });

  test("by the claim of an actor that was active", async () => {
    const both = await pair();
    await idle(both);
    both.replication.failOver();
    expect(await refusalOf(both.one.call(A, "get"))).toBe(STOPPED);
    expectSaid(both.one);
  });

  test("by a fence read of an actor whose claim is lost", async () => {
    const both = await pair();
    const { one, replication } = both;
    await replication.catchUp();
    await idle(both);
    expect(await ops(one)).toEqual({ ops: ["a1", "a2"] });
    replication.failOver();
    expect(await refusalOf(one.call(A, "get"))).toBe("state.corrupt not_applied STORE_REGRESSED");
    expectSaid(one);
  });

  test("by a look that claims nothing", async () => {
    const both = await pair();
    await idle(both);
    both.replication.failOver();
    expect(await refusalOf(both.one.call(A, "get", null, LOOK))).toBe(STOPPED);
    expectSaid(both.one);
  });

  test("by a commit whose answer was lost with it, whose fate is then unknown", async () => {
    const { one, replication } = await pair();
    const commit = one.store.commit.bind(one.store);
    one.store.commit = async (batch) => {
      one.store.commit = commit;
      await commit(batch);
      replication.failOver();
      throw new Error("the connection was lost");
    };
    expect(await refusalOf(one.call(A, "add", "a3"))).toBe("state.corrupt unknown STORE_REGRESSED");
    expectSaid(one);
  });
});

describe("an actor of which the store has lost something", () => {
  test("stays stopped, is said once, and stops nobody else", async () => {
    const both = await pair();
    const { one, replication } = both;
    await idle(both);
    replication.failOver();
    for (let n = 0; n < 5; n += 1) {
      expect(await refusalOf(one.call(A, "add", "a3"))).toBe(STOPPED);
      expect(await refusalOf(one.call(A, "get", null, LOOK))).toBe(STOPPED);
    }
    expectSaid(one);
    expect((await one.call(B, "add", "b2")).revision).toBe(2);
    // The first claim raised the epoch; the calls after it have left the row alone.
    expect((await one.store.read(A))?.epoch).toBe(2);
  });

  test("is served again when the store shows all of it again", async () => {
    const both = await pair();
    const { one, replication } = both;
    await idle(both);
    replication.failOver();
    expect(await refusalOf(one.call(A, "get"))).toBe(STOPPED);
    replication.failBack();
    expect(await ops(one)).toEqual({ ops: ["a1", "a2"] });
    expect((await one.call(A, "add", "a3")).revision).toBe(3);
  });

  test("begins from the older state once the operator has restarted the node", async () => {
    const both = await pair();
    const { one, replication } = both;
    await idle(both);
    replication.failOver();
    expect(await refusalOf(one.call(A, "get"))).toBe(STOPPED);
    await one.node.drain(1_000);
    const next = new OneNode({}, { shared: true });
    Object.assign(next.store, one.store, { sessions: one.store.sessions });
    await next.start();
    expect(await ops(next)).toEqual({ ops: ["a1"] });
  });
});

describe("DB-041: a row that is gone", () => {
  test("is no new actor: neither to calls, nor to looks, nor to whoever records a key", async () => {
    const one = new OneNode({}, { shared: true });
    const replica = new MemoryStatestore(statestoreHost("", { clock: one.clock }));
    const replication = new Replication(one.store, replica);
    await one.start();
    await replication.catchUp();
    await one.call(A, "add", "a1");
    replication.failOver();
    // The compare-and-set finds no row: the activation ends.
    expect(await refusalOf(one.call(A, "add", "a2"))).toBe("state.fenced not_applied");
    const missing = "state.corrupt not_started STATE_MISSING";
    expect(await refusalOf(one.call(A, "get", null, LOOK))).toBe(missing);
    expect(await refusalOf(one.node.service.spawn(ANONYMOUS, A, {}))).toBe(missing);
    expect(await refusalOf(one.call(A, "add", "a2"))).toBe(missing);
    expect(await refusalOf(one.call(A, "add", "a2"))).toBe(missing);
    expectSaid(one, "STATE_MISSING");
  });

  test("of an actor that was deleted leaves a tombstone, and that is a new beginning", async () => {
    const { one } = await pair();
    const deletion = { operation: { kind: "delete", shred: false } } as const;
    await one.call(A, "delete", null, deletion);
    await one.node.service.deactivate(ANONYMOUS, A);
    expect((await one.call(A, "add", "again")).revision).toBe(4);
    expect(await ops(one)).toEqual({ ops: ["again"] });
    expect(one.errors).toEqual([]);
  });
});

test("a look that is answered late, by an older row, shows no loss", async () => {
  const both = await pair();
  const { one } = both;
  await idle(both);
  const read = one.store.read.bind(one.store);
  let answer: () => void = () => undefined;
  one.store.read = async (actor): Promise<ReadResult | undefined> => {
    const row = await read(actor);
    one.store.read = read;
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return row;
  };
  const look = one.call(A, "get", null, LOOK);
  await one.settle();
  await one.call(A, "add", "a3");
  await idle(both);
  answer();
  expect(fromPayload((await look).payload)).toEqual({ ops: ["a1", "a2"] });
  expect(one.errors).toEqual([]);
});
