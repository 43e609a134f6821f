import { expect } from "bun:test";
import type {
  ActorId,
  ActorTypeSpec,
  Portability,
  PortableRow,
  Statestore,
} from "../../../src/contract/index.ts";
import {
  actorId,
  bytes,
  claim,
  commit,
  dedupOf,
  json,
  messageTo,
  openSession,
  save,
  scheduleOf,
  turn,
} from "./statestore-fixture.ts";

export const SPEC: ActorTypeSpec = {
  system: "default",
  type: "counter",
  kind: "unnamed",
  stateful: true,
  durability: "commit",
  actions: [{ name: "add", readOnly: false }],
  openActions: false,
  deactivationTimeoutMs: 600_000,
  reentrant: false,
  reads: "fenced",
  history: { kind: "all" },
  stateType: "application/json",
  mailboxCalls: 1_000,
  mailboxBytes: 8_388_608,
};
const FAR_MS = 253_370_764_800_000;
export const TWO = [actorId("a"), actorId("b\0 😀", "ledger", "other")];

/** Rows of every kind that the store has, written by commits. */
export async function fill(store: Statestore): Promise<void> {
  await store.types.put([SPEC, { ...SPEC, type: "ledger", system: "other" }]);
  await store.meta.put("key-check/00", Uint8Array.of(1, 2, 3));
  await store.meta.put("once/cron/1 2", new Uint8Array(0));
  const session = await openSession(store);
  for (const actor of TWO) {
    const mine = await claim(store, session.id, actor);
    for (let revision = 1; revision <= 3; revision += 1) {
      const tags = { colour: revision === 3 ? "red" : "blue", owner: "ä" };
      const state = json(`state ${revision} of ${actor.key}`);
      const change = { kind: "set", state, tags } as const;
      const entry = { revision, state, tags, action: "add" };
      const one = turn(mine, revision - 1, {
        change,
        dedup: [dedupOf(`request ${revision}`, revision)],
        outbox: [messageTo(actorId("target"), revision, 0), messageTo(TWO[0]!, revision, 1, 50)],
        schedules: [scheduleOf(`schedule ${revision}`, FAR_MS + revision)],
        history: [entry],
        historyPolicy: { kind: "all" },
        ...(store.seeds !== undefined && { seed: seedOf(actor) }),
      });
      expect(await commit(store, session.id, one)).toEqual(["committed"]);
    }
  }
  const gone = await claim(store, session.id, actorId("gone"));
  await save(store, gone, 0, "soon gone", { colour: "red" });
  const removal = turn(gone, 1, { change: { kind: "remove" } });
  expect(await commit(store, session.id, removal)).toEqual(["committed"]);
  await claim(store, session.id, actorId("never saved"));
  const [dead] = (await store.outbox?.due(session.id, 1, 0)) ?? [];
  if (dead !== undefined) await store.outbox?.deadLetter(dead.rowId, "no such action");
}

export function seedOf(actor: ActorId): Uint8Array {
  return bytes(`seed of ${actor.key}`);
}

/** Every row, page by page. */
export async function readAll(
  portability: Portability,
  limit = 1_000,
  from: string | undefined = "",
): Promise<PortableRow[]> {
  const rows: PortableRow[] = [];
  let position: string | undefined = from;
  while (position !== undefined) {
    const page: Awaited<ReturnType<Portability["read"]>> = await portability.read(position, limit);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    position = page.next;
  }
  return rows;
}

/** Rows as sorted texts, which are equal for stores that hold the same. */
export function texts(rows: readonly PortableRow[]): string[] {
  const plain = (_name: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return rows.map((row) => JSON.stringify(row, plain)).sort();
}
