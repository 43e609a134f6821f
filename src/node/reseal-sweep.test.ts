import { expect, test } from "bun:test";
import { OneNode } from "../../test/support/one-node.ts";
import { SimSealer } from "../../test/simulation/sim-sealer.ts";
import type { SealedRow } from "../contract/index.ts";
import type { Logger } from "./ports.ts";
import { ResealSweep } from "./reseal-sweep.ts";
import type { KeyFact, Sealer } from "./sealer.ts";

const KEYS: readonly KeyFact[] = [{ id: new Uint8Array(8), name: "a", state: "active" }];
const DAY_MS = 86_400_000;

/** Rows that wait to be moved; those below `unreadable` do not open. */
class Rows {
  readonly moved: number[] = [];
  readonly logged: string[] = [];
  readonly one = new OneNode();
  readonly left: SealedRow[];
  asked = 0;
  fails = false;
  #position = 0;

  constructor(count: number, unreadable: number) {
    this.left = Array.from({ length: count }, (_, rowId) => ({
      purpose: "state",
      rowId,
      actor: { system: "default", type: "thing", key: `k${rowId}` },
      revision: 1,
      label: "x",
      before: Uint8Array.of(rowId < unreadable ? 0 : 1),
    }));
  }

  sweep(rate: number, changes: Partial<Sealer> = { keys: KEYS }): ResealSweep {
    const { clock, store } = this.one;
    const note = (event: string, fields?: object): void =>
      void this.logged.push(`${event} ${JSON.stringify(fields)}`);
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
    const sealer = Object.assign(new SimSealer(), changes, {
      open: (...args: readonly unknown[]) => {
        const sealed = args[4] as Uint8Array;
        if (sealed[0] === 0) throw new Error("not ours");
        return sealed;
      },
    });
    return new ResealSweep({
      store: Object.assign(store, { resealing: this.#resealing() }),
      sealer,
      clock: Object.assign(clock, { defer: queueMicrotask }),
      log,
      rate,
    });
  }

  #resealing() {
    return {
      pending: async (_keyId: Uint8Array, limit: number) => {
        this.asked += 1;
        if (this.fails) throw new Error("away");
        const found = [...this.left, ...this.left].slice(
          this.#position,
          this.#position + Math.min(limit, this.left.length),
        );
        const { length } = this.left;
        this.#position = length === 0 ? 0 : (this.#position + found.length) % length;
        return found;
      },
      replace: async (row: SealedRow) => {
        this.moved.push(row.rowId);
        this.left.splice(this.left.indexOf(row), 1);
        return true;
      },
      countByKey: async () => new Map<string, number>(),
    };
  }
}

test("rows that cannot be opened do not end a key rotation before the rows behind them are moved", async () => {
  const rows = new Rows(201, 200);
  const sweep = rows.sweep(200);
  sweep.start();
  await rows.one.clock.advance(10_000);
  expect(rows.moved).toEqual([200]);
  expect(sweep.progress).toEqual({ running: false, moved: 1, unreadable: 200, rate: 200 });
  expect(rows.logged).toEqual(['keys.resealed {"moved":1,"unreadable":200}']);
  sweep.stop();
  expect(rows.one.clock.pending).toBe(0);
});

test("a sweep keeps its rate, says how far it is, and comes again after a day", async () => {
  const rows = new Rows(3_000, 0);
  const sweep = rows.sweep(100);
  sweep.start();
  await rows.one.clock.advance(11_000);
  expect(sweep.progress.running).toBe(true);
  expect(rows.moved.length).toBeGreaterThan(900);
  expect(rows.moved.length).toBeLessThanOrEqual(1_010);
  expect(rows.logged).toHaveLength(1);
  expect(rows.logged[0]).toContain("keys.resealing");
  await rows.one.clock.advance(30_000);
  expect(sweep.progress).toMatchObject({ running: false, moved: 3_000, unreadable: 0 });
  const before = rows.asked;
  await rows.one.clock.advance(DAY_MS - 60_000);
  expect(rows.asked).toBe(before);
  rows.left.push(row(9_999));
  await rows.one.clock.advance(120_000);
  expect(rows.moved).toContain(9_999);
  sweep.stop();
});

test("a store that is away is asked again, and a stop is the end of it", async () => {
  const rows = new Rows(10, 0);
  const sweep = rows.sweep(1_000);
  rows.fails = true;
  sweep.start();
  await rows.one.clock.advance(5_000);
  expect(rows.logged.length).toBeGreaterThan(2);
  rows.fails = false;
  await rows.one.clock.advance(2_000);
  expect(rows.moved).toHaveLength(10);
  sweep.stop();
  expect(rows.one.clock.pending).toBe(0);
});

test("without encryption there is nothing to move", async () => {
  const rows = new Rows(10, 0);
  const sweep = rows.sweep(1_000, {});
  sweep.start();
  await rows.one.clock.advance(10_000);
  expect(rows.asked).toBe(0);
});

function row(rowId: number): SealedRow {
  const actor = { system: "default", type: "thing", key: "k" };
  return { purpose: "state", rowId, actor, revision: 1, label: "x", before: Uint8Array.of(1) };
}
