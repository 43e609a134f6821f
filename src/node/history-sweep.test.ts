import { expect, test } from "bun:test";
import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { VirtualClock } from "../../test/conformance/support/virtual-clock.ts";
import { KEPT } from "../../test/support/sealed-store.ts";
import type { ActorTypeSpec, History, HistoryPolicy, PortableRow } from "../contract/index.ts";
import { HistorySweep } from "./history-sweep.ts";
import type { Logger } from "./ports.ts";

const MINUTE_MS = 60_000;

interface Sweeping {
  readonly clock: VirtualClock;
  readonly store: MemoryStatestore;
  readonly logged: string[];
  readonly sweep: HistorySweep;
  readonly asked: Parameters<History["prune"]>[0][];
}

/** A sweep over a store whose types have these policies; `prune` may be replaced. */
async function sweeping(
  policies: Readonly<Record<string, HistoryPolicy>>,
  replaced?: (of: Parameters<History["prune"]>[0]) => Promise<number>,
): Promise<Sweeping> {
  const clock = new VirtualClock();
  const store = new MemoryStatestore(statestoreHost("", { clock }));
  const types = Object.entries(policies).map(
    ([type, history]): ActorTypeSpec => ({ ...KEPT, type, history }),
  );
  await store.types.put(types);
  const asked: Parameters<History["prune"]>[0][] = [];
  const own = store.history.prune.bind(store.history);
  store.history.prune = (of) => {
    asked.push(of);
    return (replaced ?? own)(of);
  };
  const logged: string[] = [];
  const note = (event: string): void => void logged.push(event);
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
  const sweep = new HistorySweep({
    store,
    clock: Object.assign(clock, { defer: queueMicrotask }),
    log,
  });
  sweep.start();
  return { clock, store, logged, sweep, asked };
}

/** Past states 1 to `count` of an actor, all committed at the clock's wall time. */
async function keep({ store, clock }: Sweeping, type: string, count: number): Promise<void> {
  const actor = { system: "default", type, key: "a" };
  const place = {
    epoch: 1,
    revision: count,
    state: undefined,
    tags: {},
    updatedMs: clock.wallMs(),
  };
  const rows: PortableRow[] = [{ kind: "actor", actor, ...place }];
  for (let revision = 1; revision <= count; revision += 1) {
    const entry = {
      revision,
      committedMs: clock.wallMs(),
      tags: {},
      action: "add",
      state: undefined,
    };
    rows.push({ kind: "history", owner: actor, entry });
  }
  await store.portability.write(rows);
}

async function left({ store }: Sweeping, type: string): Promise<number> {
  const actor = { system: "default", type, key: "a" };
  return (await store.history.list(actor, { limit: 100_000 })).length;
}

test("every minute each type keeps what its policy says, though nobody commits", async () => {
  const swept = await sweeping({
    all: { kind: "all" },
    last: { kind: "last", count: 2 },
    none: { kind: "none" },
    while: { kind: "duration", ms: 3 * MINUTE_MS },
  });
  for (const type of ["all", "last", "none", "while"]) await keep(swept, type, 5);
  await swept.clock.advance(MINUTE_MS - 1);
  expect(swept.asked).toEqual([]);
  await swept.clock.advance(1);
  expect(swept.asked.map(({ type }) => type)).toEqual(["last", "none", "while"]);
  const counts = async () =>
    Promise.all(["all", "last", "none", "while"].map((type) => left(swept, type)));
  expect(await counts()).toEqual([5, 2, 0, 5]);
  await swept.clock.advance(3 * MINUTE_MS);
  expect(await counts()).toEqual([5, 2, 0, 0]);
  expect(swept.logged).toEqual([]);
  swept.sweep.stop();
  expect(swept.clock.pending).toBe(0);
});

test("a sweep that dropped as much as it may goes on a second later, with the other types first", async () => {
  const rows: Record<string, number> = { huge: 25_000, small: 10 };
  const policy: HistoryPolicy = { kind: "last", count: 1 };
  const swept = await sweeping({ huge: policy, small: policy }, async ({ type, limit }) => {
    const dropped = Math.min(limit, rows[type] ?? 0);
    rows[type] = (rows[type] ?? 0) - dropped;
    return dropped;
  });
  await swept.clock.advance(MINUTE_MS);
  expect(rows).toEqual({ huge: 15_000, small: 10 });
  await swept.clock.advance(1_000);
  expect(rows).toEqual({ huge: 5_010, small: 0 });
  await swept.clock.advance(1_000);
  expect(rows).toEqual({ huge: 0, small: 0 });
  const before = swept.asked.length;
  await swept.clock.advance(MINUTE_MS - 1);
  expect(swept.asked.length).toBe(before);
  await swept.clock.advance(1);
  expect(swept.asked.length).toBe(before + 2);
});

test("a type that cannot be swept is logged, and the others are swept all the same", async () => {
  const policy: HistoryPolicy = { kind: "last", count: 1 };
  const swept = await sweeping({ bad: policy, good: policy }, async ({ type }) => {
    if (type === "bad") throw new Error("broken");
    return 1;
  });
  await swept.clock.advance(MINUTE_MS);
  await swept.clock.advance(MINUTE_MS);
  expect(swept.asked.map(({ type }) => type)).toEqual(["bad", "good", "bad", "good"]);
  expect(swept.logged).toEqual(["history.prune_failed", "history.prune_failed"]);
});

test("a store that cannot be reached is asked again, and a stop in the middle ends it", async () => {
  const policy: HistoryPolicy = { kind: "last", count: 1 };
  const swept = await sweeping({ first: policy, second: policy }, async () => {
    swept.sweep.stop();
    return 0;
  });
  const list = swept.store.types.list;
  swept.store.types.list = () => Promise.reject(new Error("unreachable"));
  await swept.clock.advance(MINUTE_MS);
  expect(swept.logged).toEqual(["history.prune_failed"]);
  swept.store.types.list = list;
  await swept.clock.advance(MINUTE_MS);
  expect(swept.asked.map(({ type }) => type)).toEqual(["first"]);
  expect(swept.clock.pending).toBe(0);
});

test("where a store has no history nothing waits", () => {
  const clock = new VirtualClock();
  const store = new MemoryStatestore(statestoreHost("", { clock }));
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    child: () => log,
  };
  const { history: _history, ...without } = { ...store, types: store.types };
  const bare = without as unknown as MemoryStatestore;
  new HistorySweep({
    store: bare,
    clock: Object.assign(clock, { defer: queueMicrotask }),
    log,
  }).start();
  expect(clock.pending).toBe(0);
});
