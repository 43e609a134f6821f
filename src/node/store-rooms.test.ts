import { describe, expect, test } from "bun:test";
import type { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { counter, OneNode, refusalOf } from "../../test/support/one-node.ts";
import { StoreLine } from "../../test/support/store-line.ts";
import { fromPayload } from "../../test/simulation/sim-actors.ts";
import type { PartitionDecision, PartitionView } from "../contract/index.ts";
import { ANONYMOUS } from "../domain/invocation.ts";
import { StoreRooms } from "./store-rooms.ts";

/** An actor of the main store, and two of further ones. */
const A = counter("a");
const BILL = counter("a", "billing");
const LOG = counter("a", "log");
const SYSTEMS = { billing: "archive", log: "audit" };
const ALL = [A, BILL, LOG];

function arbiter({ storeReachable }: PartitionView): PartitionDecision {
  return storeReachable === false
    ? { kind: "partitioned", reason: "the store cannot be reached" }
    : { kind: "serve" };
}

async function three(): Promise<OneNode> {
  const one = new OneNode({}, { shared: true, systems: SYSTEMS });
  one.evaluate = arbiter;
  return await one.start({ history: { kind: "all" }, deactivationTimeoutMs: 600_000 });
}

function storeOf(one: OneNode, name: string): MemoryStatestore {
  const found = one.further.get(name);
  if (found === undefined) throw new Error(`there is no store ${name}`);
  return found;
}

async function keysIn(store: MemoryStatestore): Promise<readonly string[]> {
  const systems = ["sim", "billing", "log"];
  const pages = await Promise.all(
    systems.map((system) => store.search.list({ system, limit: 10 })),
  );
  return pages.flat().map(({ actor }) => `${actor.system}/${actor.key}`);
}

describe("each system has its actors in its own store", () => {
  test("with their types, and in no other", async () => {
    const one = await three();
    for (const actor of ALL) expect((await one.call(actor, "add", "x")).revision).toBe(1);
    const stores = [one.store, storeOf(one, "archive"), storeOf(one, "audit")];
    expect(await Promise.all(stores.map(keysIn))).toEqual([["sim/a"], ["billing/a"], ["log/a"]]);
    const types = await Promise.all(stores.map((store) => store.types.list()));
    expect(types.map((list) => [...new Set(list.map(({ system }) => system))])).toEqual([
      ["sim"],
      ["billing"],
      ["log"],
    ]);
  });

  test("and is listed, watched, looked at and brought back from there", async () => {
    const one = await three();
    const seen: number[] = [];
    const stop = await one.node.service.watch(
      ANONYMOUS,
      BILL,
      ({ revision }) => void seen.push(revision),
      () => undefined,
    );
    for (const value of ["x", "y", "z"]) await one.call(BILL, "add", value);
    await one.call(A, "add", "other");
    stop();
    expect(seen).toEqual([0, 1, 2, 3]);
    const { service } = one.node;
    const listed = await service.list(ANONYMOUS, { system: "billing", limit: 10 });
    expect(listed.rows.map(({ actor }) => actor)).toEqual([BILL]);
    const past = await service.history(ANONYMOUS, BILL, { withStates: true, limit: 10 });
    expect(past.revisions.map(({ row }) => row.revision)).toEqual([3, 2, 1]);
    expect(await service.restore(ANONYMOUS, BILL, 1, "back")).toBe(4);
    await service.deactivate(ANONYMOUS, BILL);
    const look = await one.call(BILL, "get", null, { operation: { kind: "state" } });
    expect(fromPayload(look.payload)).toEqual({ ops: ["x"] });
    expect(await service.spawn(ANONYMOUS, counter("fresh", "log"), { colour: "red" })).toBe(true);
    expect(await keysIn(storeOf(one, "audit"))).toEqual(["log/fresh"]);
  });

  test("also after a restart: types without a host are known by their own store", async () => {
    const one = await three();
    await one.call(BILL, "add", "x");
    await one.node.drain(1_000);
    const next = new OneNode({}, { shared: true, systems: { billing: "archive" } });
    Object.assign(storeOf(next, "archive"), storeOf(one, "archive"));
    Object.assign(next.store, one.store);
    // What the main store knows of another's system is no type of ours.
    await next.store.types.put([{ ...(await typeOf(one)), type: "stale" }]);
    await next.node.start();
    expect(await refusalOf(next.call(BILL, "add", "y"))).toBe(
      "host.unavailable not_started HOST_ABSENT",
    );
    const stale = { ...BILL, type: "stale" };
    expect(await refusalOf(next.call(stale, "add", "y"))).toBe(
      "actor.unknown not_started TYPE_UNKNOWN",
    );
  });
});

async function typeOf(one: OneNode) {
  const [type] = await storeOf(one, "archive").types.list();
  if (type === undefined) throw new Error("no type was recorded");
  return type;
}

describe("the trouble of one store is its own systems' alone:", () => {
  test("while it is away they are refused, and when it is back they are served", async () => {
    const one = new OneNode({}, { shared: true, systems: SYSTEMS });
    one.evaluate = arbiter;
    const line = new StoreLine(storeOf(one, "archive"));
    await one.start();
    for (const actor of ALL) await one.call(actor, "add", "x");
    line.cut();
    expect(await refusalOf(one.call(BILL, "add", "y"))).toBe("state.unavailable not_applied");
    for (let second = 0; second < 30; second += 1) {
      await one.clock.advance(1_000);
      expect((await one.call(A, "add", "y")).durable).toBe(true);
      expect((await one.call(LOG, "add", "y")).durable).toBe(true);
    }
    expect(await refusalOf(one.call(BILL, "add", "y"))).toBe(
      "node.partitioned not_started PARTITIONED",
    );
    expect(one.node.rooms.all.map(({ reachable }) => reachable)).toEqual([true, false, true]);
    expect(one.reached).toEqual(["archive away"]);
    line.mend();
    await one.clock.advance(2_000);
    expect((await one.call(BILL, "add", "z")).revision).toBe(2);
    expect(one.reached).toEqual(["archive away", "archive reached"]);
  });

  test("a session that is lost there ends its activations and leaves the others", async () => {
    const one = await three();
    for (const actor of ALL) await one.call(actor, "add", "x");
    const epochs = (): readonly (number | undefined)[] =>
      ALL.map((actor) => one.node.table.activeEpoch(actor));
    expect(epochs()).toEqual([1, 1, 1]);
    await storeOf(one, "archive").sessions.fence(1, true);
    await one.clock.advance(3_000);
    expect(epochs()).toEqual([1, undefined, 1]);
    expect(one.node.rooms.all.map(({ session }) => session)).toEqual([1, 2, 1]);
    expect((await one.call(BILL, "add", "y")).revision).toBe(2);
  });

  test("a store that has gone back is used no more, and the others are", async () => {
    const one = await three();
    await one.call(BILL, "add", "x");
    const archive = storeOf(one, "archive");
    await archive.sessions.fence(1, true);
    const { open } = archive.sessions;
    archive.sessions.open = async (request) => ({
      ...(await open.call(archive.sessions, request)),
      id: 1,
    });
    await one.clock.advance(3_000);
    const stopped = "state.corrupt not_started STORE_REGRESSED";
    expect(await refusalOf(one.call(BILL, "add", "y"))).toBe(stopped);
    const look = { operation: { kind: "state" } } as const;
    expect(await refusalOf(one.call(BILL, "get", null, look))).toBe(stopped);
    expect(await refusalOf(one.node.service.spawn(ANONYMOUS, BILL, {}))).toBe(stopped);
    expect((await one.call(A, "add", "y")).revision).toBe(1);
    expect(one.anomalies).toEqual(["store_regressed"]);
  });
});

describe("another process under this node's name", () => {
  const double = { nodeName: "n1", bootId: "another", address: "", ttlMs: 60_000 };

  async function fought(one: OneNode, store: MemoryStatestore): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      await store.sessions.open(double);
      await one.clock.advance(3_000);
    }
  }

  test("in the main store makes the whole node give way", async () => {
    const one = await three();
    await fought(one, one.store);
    expect(one.evicted).toBe(1);
    expect(one.logged).toContain("session.evicted");
  });

  test("in a further store is said loudly, and the node goes on with a new session", async () => {
    const one = await three();
    await one.call(BILL, "add", "x");
    await fought(one, storeOf(one, "archive"));
    expect(one.evicted).toBe(0);
    expect(one.errors.map(([event]) => event)).toEqual(["session.evicted"]);
    expect((await one.call(BILL, "add", "y")).revision).toBe(2);
    expect((await one.call(A, "add", "y")).revision).toBe(1);
  });
});

test("two names for one database are refused before anything is served", async () => {
  const one = new OneNode({}, { shared: true, systems: { billing: "archive" } });
  Object.assign(storeOf(one, "archive"), one.store);
  expect(await refusalOf(one.node.start())).toBe("request.invalid not_applied conflict");
});

test("a drain releases the actors of all stores and closes every session", async () => {
  const one = await three();
  for (const actor of ALL) await one.call(actor, "add", "x");
  expect(await one.node.drain(5_000)).toBe(true);
  for (const store of [one.store, ...one.further.values()]) {
    expect((await store.sessions.list()).map(({ state }) => state)).toEqual(["closed"]);
  }
  expect(one.clock.pending).toBe(0);
});

test("a system that names no store has the main one, also among names that objects have", () => {
  const one = new OneNode({}, { systems: SYSTEMS });
  const { rooms } = one.node;
  expect(rooms).toBeInstanceOf(StoreRooms);
  for (const system of ["sim", "constructor", "__proto__", ""]) {
    expect(rooms.of(system)).toBe(rooms.main);
  }
  expect(rooms.all.map((room) => rooms.systemsOf(room))).toEqual([[], ["billing"], ["log"]]);
});
