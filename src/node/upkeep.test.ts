import { expect, test } from "bun:test";
import { OneNode } from "../../test/support/one-node.ts";
import { SimSealer } from "../../test/simulation/sim-sealer.ts";
import type { SealedRow } from "../contract/index.ts";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import type { Logger } from "./ports.ts";
import { Upkeep } from "./upkeep.ts";

const PAGE = 200;

test("rows that cannot be opened do not end a key rotation before the rows behind them are moved", async () => {
  const { clock, store } = new OneNode();
  const logged: string[] = [];
  const note = (event: string): void => void logged.push(event);
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
  const row = (rowId: number): SealedRow => ({
    purpose: "state",
    rowId,
    actor: { system: "default", type: "thing", key: `k${rowId}` },
    revision: 1,
    label: "x",
    before: Uint8Array.of(rowId < PAGE ? 0 : 1),
  });
  const left = Array.from({ length: PAGE + 1 }, (_, rowId) => row(rowId));
  const moved: number[] = [];
  let position = 0;
  const resealing = {
    pending: async (_keyId: Uint8Array, limit: number) => {
      const found = [...left, ...left].slice(position, position + Math.min(limit, left.length));
      position = (position + found.length) % left.length;
      return found;
    },
    replace: async (one: SealedRow) => {
      moved.push(one.rowId);
      left.splice(left.indexOf(one), 1);
      return true;
    },
    countByKey: async () => new Map<string, number>(),
  };
  const sealer = Object.assign(new SimSealer(), {
    open: (...args: readonly unknown[]) => {
      const sealed = args[4] as Uint8Array;
      if (sealed[0] === 0) throw new Error("not ours");
      return sealed;
    },
  });
  const upkeep = new Upkeep({
    store: Object.assign(store, { resealing }),
    sealer,
    clock: Object.assign(clock, { defer: queueMicrotask }),
    log,
    limits: DEFAULT_LIMITS,
  });
  upkeep.start();
  await clock.advance(2_000);
  expect([moved, logged]).toEqual([[], []]);
  await clock.advance(120_000);
  expect(moved).toEqual([PAGE]);
  upkeep.stop();
  expect(clock.pending).toBe(0);
});
