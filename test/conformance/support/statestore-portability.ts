import { describe, expect, test } from "bun:test";
import type { ActorId, Portability, PortableRow, Statestore } from "../../../src/contract/index.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { fill, readAll, SPEC, seedOf, TWO, texts } from "./portable-rows.ts";
import {
  actorId,
  bytes,
  claim,
  dedupOf,
  json,
  openSession,
  rejectionOf,
  type StatestoreSubject,
  save,
  withStore,
} from "./statestore-fixture.ts";

const PAGE_BYTES = 4 * 1024 * 1024;
const KINDS: readonly PortableRow["kind"][] = ["type", "meta", "actor"];

const OWNERLESS: readonly PortableRow[] = [
  { kind: "damaged", table: "actors", place: "row 1", reason: "ROW_CORRUPT" },
  {
    kind: "history",
    owner: undefined,
    entry: { revision: 1, committedMs: 1, state: json("x"), tags: {}, action: "add" },
  },
  { kind: "dedup", owner: undefined, record: dedupOf("r", 1), committedMs: 1 },
  { kind: "dedup", owner: actorId("absent"), record: dedupOf("r", 1), committedMs: 1 },
  { kind: "seed", owner: undefined, wrapped: bytes("seed") },
  { kind: "meta", name: "cluster", value: bytes("another") },
];

function actorRow(actor: ActorId, revision: number, text: string): PortableRow {
  const tags = { colour: text };
  return { kind: "actor", actor, epoch: 7, revision, state: json(text), tags, updatedMs: 1_000 };
}

/** Moving whole stores. */
export function portabilityTests(subject: StatestoreSubject): void {
  const filled = (
    body: (portability: Portability, store: Statestore, dir: string) => Promise<void>,
  ): Promise<void> =>
    withStore(subject, async (store, dir) => {
      if (store.portability === undefined) return;
      await fill(store);
      await body(store.portability, store, dir);
    });
  /** Two stores, of which the first is filled. */
  const pair = (
    body: (source: Statestore, target: Statestore, rows: readonly PortableRow[]) => Promise<void>,
  ): Promise<void> =>
    filled(async (portability, source) => {
      const rows = await readAll(portability);
      await withStore(subject, (target) => body(source, target, rows));
    });

  describe(`${subject.name}: moving whole stores`, () => {
    test("every row comes out once, sealed bytes and all, in the order of the contract", () =>
      filled(async (portability, store) => {
        const rows = await readAll(portability);
        const count = (kind: PortableRow["kind"]): number =>
          rows.filter((row) => row.kind === kind).length;
        expect(KINDS.map(count)).toEqual([2, 2, 4]);
        const others = ["seed", "history", "dedup", "outbox", "schedule", "damaged"] as const;
        const seeds = store.seeds === undefined ? 0 : 2;
        expect(others.map(count)).toEqual([seeds, 6, 6, 12, 6, 0]);
        const firsts = rows.map(({ kind }) =>
          Math.max(0, KINDS.indexOf(kind), KINDS.includes(kind) ? 0 : 3),
        );
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
        expect(await portability.count()).toBeGreaterThanOrEqual(rows.length);
        const found = rows.find((row) => row.kind === "actor" && row.actor.key === "a");
        expect(found).toMatchObject({
          revision: 3,
          state: json("state 3 of a"),
          tags: { colour: "red", owner: "ä" },
        });
        expect(rows).toContainEqual({
          kind: "meta",
          name: "once/cron/1 2",
          value: new Uint8Array(0),
        });
        expect(rows).toContainEqual({ kind: "type", spec: SPEC });
      }));

    test("pages of any size hold the same rows, and a position outlives its reader", () =>
      filled(async (portability) => {
        const all = texts(await readAll(portability));
        for (const limit of [1, 2, 7])
          expect(texts(await readAll(portability, limit))).toEqual(all);
        const again = await portability.read("", 3);
        expect(await portability.read("", 3)).toEqual(again);
        const second = await portability.read(again.next ?? "", 5);
        expect(await portability.read(again.next ?? "", 5)).toEqual(second);
        const refusal = { code: "request.invalid" };
        expect(await rejectionOf(portability.read("nowhere 7", 3))).toMatchObject(refusal);
      }));

    test("past states of an actor come in order of their revisions", () =>
      filled(async (portability) => {
        const seen = new Map<string, number>();
        for (const row of await readAll(portability, 4)) {
          if (row.kind !== "history") continue;
          const key = row.owner?.key ?? "";
          expect(row.entry.revision).toBe((seen.get(key) ?? 0) + 1);
          seen.set(key, row.entry.revision);
        }
        expect([...seen.values()]).toEqual([3, 3]);
      }));

    test("another store holds the same afterwards, also if pages are written twice", () =>
      pair(async (_source, target, rows) => {
        const { portability } = target;
        for (let at = 0; at < rows.length; at += 10) {
          await portability?.write(rows.slice(at, at + 10));
          await portability?.write(rows.slice(at, at + 10));
        }
        const moved = portability && (await readAll(portability));
        expect(texts(moved ?? [])).toEqual(texts(rows));
      }));

    test("what arrived is served: actors are unowned, and epochs go on from where they were", () =>
      pair(async (source, target, rows) => {
        await target.portability?.write(rows);
        const session = await openSession(target);
        for (const actor of TWO) {
          const before = await source.read(actor);
          const mine = await claim(target, session.id, actor);
          const state = json(`state 3 of ${actor.key}`);
          expect(mine).toMatchObject({ revision: 3, existed: true, state });
          expect(mine.epoch).toBe((before?.epoch ?? 0) + 1);
          const ids = [...(mine.requestIds ?? [])].sort();
          expect(ids).toEqual(["request 1", "request 2", "request 3"]);
          const [seed] = (await target.seeds?.find([actor])) ?? [seedOf(actor)];
          expect(seed).toEqual(seedOf(actor));
          expect(await target.dedup(actor, "request 2")).toEqual(dedupOf("request 2", 2));
          await save(target, mine, 3, "four", { colour: "green" });
        }
        expect(await target.types.list()).toHaveLength(2);
      }));

    test("what arrived is found: tags, past states and schedules", () =>
      pair(async (source, target, rows) => {
        await target.portability?.write(rows);
        const query = { system: "default", tags: { colour: "red", owner: "ä" }, limit: 10 };
        const found = (await target.search?.list(query))?.map(({ actor }) => actor.key);
        expect(found ?? ["a"]).toEqual(["a"]);
        for (const actor of TWO) {
          const past = await source.history?.list(actor, { limit: 10 });
          expect(await target.history?.list(actor, { limit: 10 })).toEqual(past);
          const schedules = async (store: Statestore) =>
            (await store.schedules?.list(actor))?.map(({ name, dueMs, body }) => [
              name,
              dueMs,
              body,
            ]);
          expect(await schedules(target)).toEqual(await schedules(source));
        }
      }));

    test("messages arrive in their order, with their tries, and dead letters with their reason", () =>
      pair(async (source, target, rows) => {
        await target.portability?.write(rows);
        const ids = async (store: Statestore): Promise<readonly unknown[]> => {
          const session = await openSession(store, "taker");
          const due = (await store.outbox?.due(session.id, 100, 60_000)) ?? [];
          const toTarget = due.filter((row) => row.target.key === "target");
          return toTarget.map((row) => [row.source.key, row.id, row.attempts, row.action]);
        };
        expect(await ids(target)).toEqual(await ids(source));
        const dead = async (store: Statestore) =>
          (await store.outbox?.deadLetters(10))?.map(({ id, reason, body }) => [id, reason, body]);
        expect(await dead(target)).toEqual(await dead(source));
      }));

    test("a row that is there is replaced whole, with its place in every index", () =>
      filled(async (portability, store) => {
        const actor = actorId("a");
        const entry = { revision: 2, committedMs: 5, state: json("new"), tags: {}, action: "new" };
        await portability.write([
          actorRow(actor, 9, "white"),
          { kind: "history", owner: actor, entry },
          { kind: "dedup", owner: actor, record: dedupOf("request 2", 8, "new"), committedMs: 5 },
        ]);
        const list = async (colour: string) => {
          const query = { system: "default", tags: { colour }, limit: 10 };
          return (await store.search?.list(query))?.map((row) => row.actor.key) ?? [];
        };
        expect([await list("red"), await list("white")]).toEqual(
          store.search === undefined ? [[], []] : [[], ["a"]],
        );
        expect(await store.read(actor)).toMatchObject({
          epoch: 7,
          revision: 9,
          state: json("white"),
          tags: { colour: "white" },
        });
        expect(await store.dedup(actor, "request 2")).toEqual(dedupOf("request 2", 8, "new"));
        expect((await store.history?.byRevision(actor, 2)) ?? entry).toEqual(entry);
        const heir = await openSession(store, "heir");
        expect((await claim(store, heir.id, actor)).epoch).toBe(8);
        const replies = (await readAll(portability)).filter(
          (row) => row.kind === "dedup" && row.owner?.key === "a",
        );
        expect(replies).toHaveLength(3);
      }));

    test.each(OWNERLESS.map((row) => [row.kind, row] as const))(
      "a row of kind %s that has no place is refused, and its page with it",
      (_kind, row) =>
        filled(async (portability, store) => {
          const before = texts(await readAll(portability));
          const page = [actorRow(actorId("new"), 1, "white"), row];
          const refusal = { code: "request.invalid", outcome: "not_applied" };
          expect(await rejectionOf(portability.write(page))).toMatchObject(refusal);
          expect(await store.read(actorId("new"))).toBeUndefined();
          expect(texts(await readAll(portability))).toEqual(before);
        }),
    );

    test("a page holds at most about four megabytes", () =>
      withStore(subject, async (store) => {
        const { portability } = store;
        if (portability === undefined) return;
        const data = new Uint8Array(1_500_000).fill(7);
        const rows = Array.from({ length: 6 }, (_, index): PortableRow => {
          const actor = actorId(`large ${index}`);
          const state = { data, type: "x" };
          return { kind: "actor", actor, epoch: 1, revision: 1, state, tags: {}, updatedMs: 1 };
        });
        for (const row of rows) await portability.write([row]);
        let position: string | undefined = "";
        let found = 0;
        while (position !== undefined) {
          const page: Awaited<ReturnType<Portability["read"]>> = await portability.read(
            position,
            100,
          );
          expect(page.rows.length * data.length).toBeLessThanOrEqual(PAGE_BYTES + data.length);
          found += page.rows.length;
          position = page.next;
        }
        expect(found).toBe(6);
      }));

    test("replies that arrived are kept as long as others, and no longer", () =>
      filled(async (portability, store) => {
        const owner = actorId("a");
        const old = Array.from({ length: 5 }, (_, index): PortableRow => {
          return {
            kind: "dedup",
            owner,
            record: dedupOf(`old ${index}`, 1),
            committedMs: 1_000 + index,
          };
        });
        await withStore(subject, async (target) => {
          await target.portability?.write([actorRow(owner, 3, "white"), ...old]);
          expect(await target.prune(60_000, 2, 100)).toBe(3);
          const left = await Promise.all(
            old.map((_, index) => target.dedup(owner, `old ${index}`)),
          );
          expect(left.map((found) => found !== undefined)).toEqual([
            false,
            false,
            false,
            true,
            true,
          ]);
        });
        expect(await store.prune(60_000, 2, 100)).toBe(0);
        await portability.write([actorRow(owner, 3, "white")]);
        expect(await store.dedup(owner, "request 1")).toEqual(dedupOf("request 1", 1));
      }));

    test("a store goes on from a position after it was opened again", async () => {
      using folder = tempDir();
      const first = await subject.open(folder.path);
      if (first.portability === undefined || !subject.durable) {
        await first.stop?.(AbortSignal.timeout(10_000));
        return;
      }
      await fill(first);
      const { rows, next } = await first.portability.read("", 6);
      const rest = await readAll(first.portability, 100, next);
      await first.stop?.(AbortSignal.timeout(10_000));
      const second = await (subject.reopen ?? subject.open)(folder.path);
      try {
        expect(rows).toHaveLength(Math.min(6, rows.length));
        const again = second.portability && (await readAll(second.portability, 100, next));
        expect(texts(again ?? [])).toEqual(texts(rest));
      } finally {
        await second.stop?.(AbortSignal.timeout(10_000));
      }
    });
  });
}
