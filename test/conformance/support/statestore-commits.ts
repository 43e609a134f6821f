import { describe, expect, test } from "bun:test";
import {
  actorId,
  bytes,
  claim,
  commit,
  dedupOf,
  json,
  messageTo,
  openSession,
  type StatestoreSubject,
  save,
  scheduleOf,
  set,
  turn,
  withStore,
} from "./statestore-fixture.ts";

/** The compare-and-set on (owner session, epoch, revision). */
export function fenceTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: the fence`, () => {
    test("a commit prepared before another's claim is refused afterwards", () =>
      withStore(subject, async (store) => {
        const old = await openSession(store, "old");
        const mine = await claim(store, old.id, actorId("a"));
        await save(store, mine, 0, "first");
        const prepared = turn(mine, 1, {
          change: set("zombie"),
          dedup: [dedupOf("zombie", 2)],
          outbox: [messageTo(actorId("b"), 2, 0)],
          schedules: [scheduleOf("zombie", 0)],
        });
        await store.sessions.fence(old.id, true);
        const heir = await openSession(store, "heir");
        const theirs = await claim(store, heir.id, actorId("a"));
        expect(await commit(store, old.id, prepared)).toEqual(["fenced"]);
        expect((await store.read(actorId("a")))?.state).toEqual(json("first"));
        expect(await store.dedup(actorId("a"), "zombie")).toBeUndefined();
        expect((await store.outbox?.due(heir.id, 10, 1)) ?? []).toEqual([]);
        expect((await store.schedules?.list(actorId("a"))) ?? []).toEqual([]);
        await save(store, theirs, 1, "second");
      }));

    test("the owner's own stale epoch is refused", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const old = await claim(store, session.id, actorId("a"));
        await claim(store, session.id, actorId("a"));
        const stale = turn(old, 0, { change: set("stale") });
        expect(await commit(store, session.id, stale)).toEqual(["fenced"]);
        expect((await store.read(actorId("a")))?.revision).toBe(0);
      }));

    test("another session cannot commit with the right epoch and revision", () =>
      withStore(subject, async (store) => {
        const owner = await openSession(store, "owner");
        const thief = await openSession(store, "thief");
        const mine = await claim(store, owner.id, actorId("a"));
        const stolen = turn(mine, 0, { change: set("stolen") });
        expect(await commit(store, thief.id, stolen)).toEqual(["fenced"]);
      }));

    test("a session that was fenced commits nothing", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        await store.sessions.fence(session.id, true);
        expect(await commit(store, session.id, turn(mine, 0, { change: set("x") }))).toEqual([
          "fenced",
        ]);
      }));

    test("a stale or future revision is a conflict, also for a turn that only records a reply", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        await save(store, mine, 0, "one");
        for (const base of [0, 2]) {
          const readOnly = { revision: base, dedup: [dedupOf("r", base)] };
          expect(await commit(store, session.id, turn(mine, base, { change: set("x") }))).toEqual([
            "conflict",
          ]);
          expect(await commit(store, session.id, turn(mine, base, readOnly))).toEqual(["conflict"]);
        }
        expect(await store.dedup(actorId("a"), "r")).toBeUndefined();
        expect((await store.read(actorId("a")))?.state).toEqual(json("one"));
      }));

    test("of fifty writers of one revision one wins", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("hot"));
        for (let revision = 0; revision < 3; revision++) {
          const results = await Promise.all(
            Array.from({ length: 50 }, (_, writer) =>
              commit(store, session.id, turn(mine, revision, { change: set(`by ${writer}`) })),
            ),
          );
          const flat = results.flat();
          expect(flat.filter((result) => result === "committed")).toHaveLength(1);
          expect(flat.filter((result) => result === "conflict")).toHaveLength(49);
        }
        expect((await store.read(actorId("hot")))?.revision).toBe(3);
      }));

    test("an unknown handle is fenced", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const lost = {
          ...turn(mine, 0, { change: set("x") }),
          handle: 987_654,
          actor: actorId("z"),
        };
        expect(await commit(store, session.id, lost)).toEqual(["fenced"]);
      }));
  });
}

/** What a batch writes, and what it leaves alone. */
export function batchTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: batches`, () => {
    test("a row that loses fails alone, and answers keep their order", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const a = await claim(store, session.id, actorId("a"));
        const stale = await claim(store, session.id, actorId("b"));
        await claim(store, session.id, actorId("b"));
        const c = await claim(store, session.id, actorId("c"));
        const d = await claim(store, session.id, actorId("d"));
        await save(store, c, 0, "moved on");
        const results = await commit(
          store,
          session.id,
          turn(a, 0, { change: set("A"), dedup: [dedupOf("ra", 1)] }),
          turn(stale, 0, { change: set("B"), dedup: [dedupOf("rb", 1)] }),
          turn(c, 0, { change: set("C"), dedup: [dedupOf("rc", 1)] }),
          turn(d, 0, { change: set("D") }),
        );
        expect(results).toEqual(["committed", "fenced", "conflict", "committed"]);
        expect((await store.read(actorId("a")))?.state).toEqual(json("A"));
        expect((await store.read(actorId("b")))?.state).toBeUndefined();
        expect((await store.read(actorId("c")))?.state).toEqual(json("moved on"));
        expect((await store.read(actorId("d")))?.state).toEqual(json("D"));
        expect((await store.dedup(actorId("a"), "ra"))?.revision).toBe(1);
        expect(await store.dedup(actorId("b"), "rb")).toBeUndefined();
        expect(await store.dedup(actorId("c"), "rc")).toBeUndefined();
      }));

    test("an empty batch is answered with nothing", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        expect(await commit(store, session.id)).toEqual([]);
      }));

    test("set, keep and remove do what they say; a tombstone keeps epoch and revision", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        await save(store, mine, 0, "one", { colour: "red" });
        expect(await commit(store, session.id, turn(mine, 1))).toEqual(["committed"]);
        expect(await store.read(actorId("a"))).toEqual({
          epoch: mine.epoch,
          revision: 2,
          state: json("one"),
          tags: { colour: "red" },
        });
        const removal = turn(mine, 2, { change: { kind: "remove" } });
        expect(await commit(store, session.id, removal)).toEqual(["committed"]);
        expect(await store.read(actorId("a"))).toEqual({
          epoch: mine.epoch,
          revision: 3,
          state: undefined,
          tags: {},
        });
        const again = await claim(store, session.id, actorId("a"));
        expect(again).toMatchObject({ revision: 3, state: undefined, existed: true });
        expect(again.epoch).toBeGreaterThan(mine.epoch);
        await save(store, again, 3, "reborn");
      }));

    test("a coalesced write moves the revision by several", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const coalesced = turn(mine, 0, { revision: 7, change: set("seven") });
        expect(await commit(store, session.id, coalesced)).toEqual(["committed"]);
        expect((await claim(store, session.id, actorId("a"))).revision).toBe(7);
      }));

    test("bytes belong to the store once a commit returned", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const data = bytes("before");
        const change = { kind: "set", state: { data, type: "t" }, tags: {} } as const;
        expect(await commit(store, session.id, turn(mine, 0, { change }))).toEqual(["committed"]);
        data.fill(0);
        expect((await store.read(actorId("a")))?.state?.data).toEqual(bytes("before"));
      }));
  });
}

/** Recorded replies. */
export function dedupTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: recorded replies`, () => {
    test("a turn that changes nothing records its reply under the same condition", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        await save(store, mine, 0, "one");
        const readOnly = turn(mine, 1, { revision: 1, dedup: [dedupOf("read", 1, "seen")] });
        expect(await commit(store, session.id, readOnly)).toEqual(["committed"]);
        expect(await store.dedup(actorId("a"), "read")).toEqual(dedupOf("read", 1, "seen"));
        expect((await store.read(actorId("a")))?.revision).toBe(1);
        await claim(store, session.id, actorId("a"));
        const late = turn(mine, 1, { revision: 1, dedup: [dedupOf("late", 1)] });
        expect(await commit(store, session.id, late)).toEqual(["fenced"]);
        expect(await store.dedup(actorId("a"), "late")).toBeUndefined();
      }));

    test("the first recorded reply stays", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const first = turn(mine, 0, { change: set("1"), dedup: [dedupOf("r", 1, "first")] });
        const second = turn(mine, 1, { change: set("2"), dedup: [dedupOf("r", 2, "second")] });
        expect(await commit(store, session.id, first)).toEqual(["committed"]);
        expect(await commit(store, session.id, second)).toEqual(["committed"]);
        expect(await store.dedup(actorId("a"), "r")).toEqual(dedupOf("r", 1, "first"));
        expect(await store.dedup(actorId("b"), "r")).toBeUndefined();
      }));

    test("a claim lists the ids, unless there are more than asked for", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const dedup = ["x", "y", "z"].map((id) => dedupOf(id, 1));
        expect(await commit(store, session.id, turn(mine, 0, { change: set("1"), dedup }))).toEqual(
          ["committed"],
        );
        const all = await claim(store, session.id, actorId("a"), 3);
        expect([...(all.requestIds ?? [])].sort()).toEqual(["x", "y", "z"]);
        expect((await claim(store, session.id, actorId("a"), 2)).requestIds).toBeUndefined();
      }));

    test("pruning keeps the newest ids and young ones", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        for (let revision = 0; revision < 6; revision++) {
          const dedup = [dedupOf(`r${revision}`, revision + 1)];
          await commit(store, session.id, turn(mine, revision, { change: set("x"), dedup }));
        }
        expect(await store.prune(3_600_000, 0, 100)).toBe(0);
        expect(await store.prune(-1_000, 4, 1)).toBe(1);
        expect(await store.prune(-1_000, 4, 100)).toBe(1);
        const { requestIds } = await claim(store, session.id, actorId("a"));
        expect([...(requestIds ?? [])].sort()).toEqual(["r2", "r3", "r4", "r5"]);
        expect(await store.prune(-1_000, 4, 100)).toBe(0);
        expect(await store.prune(-1_000, 0, 100)).toBe(4);
      }));
  });
}

const MANY = 100;

/** One actor with so many replies that a store may keep old and new ones in different places. */
export function manyRepliesTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: many recorded replies`, () => {
    test("each is found, the first of an id stays, and pruning takes the oldest", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("busy"));
        const other = await claim(store, session.id, actorId("other"));
        const ids = Array.from({ length: MANY }, (_, index) => `r${index}`);
        for (let base = 0; base < MANY; base += 4) {
          const dedup = ids
            .slice(base, base + 4)
            .map((id, index) => dedupOf(id, base + index + 1, `reply to ${id}`));
          const one = turn(mine, base, { revision: base + 4, change: set("x"), dedup });
          const beside = turn(other, base, { revision: base + 4, change: set("y") });
          expect(await commit(store, session.id, one, beside)).toEqual(["committed", "committed"]);
        }
        const repeated = ["r0", "r50", "r99"].map((id) => dedupOf(id, MANY, "again"));
        const readOnly = turn(mine, MANY, { revision: MANY, dedup: repeated });
        expect(await commit(store, session.id, readOnly)).toEqual(["committed"]);
        for (const [index, id] of ids.entries()) {
          const found = await store.dedup(actorId("busy"), id);
          expect(found).toEqual(dedupOf(id, index + 1, `reply to ${id}`));
          expect(await store.dedup(actorId("other"), id)).toBeUndefined();
        }
        const all = await claim(store, session.id, actorId("busy"), MANY);
        expect(new Set(all.requestIds)).toEqual(new Set(ids));
        expect(
          (await claim(store, session.id, actorId("busy"), MANY - 1)).requestIds,
        ).toBeUndefined();
        while ((await store.prune(-1_000, 30, 7)) > 0);
        const left = await claim(store, session.id, actorId("busy"), MANY);
        expect(left.requestIds).toEqual(expect.arrayContaining(ids.slice(-27)));
        expect(left.requestIds?.length).toBeLessThanOrEqual(33);
        while ((await store.prune(-1_000, 0, 7)) > 0);
        expect((await claim(store, session.id, actorId("busy"))).requestIds).toEqual([]);
        const latest = await claim(store, session.id, actorId("busy"));
        const anew = turn(latest, MANY, { revision: MANY, dedup: [dedupOf("r0", MANY, "anew")] });
        expect(await commit(store, session.id, anew)).toEqual(["committed"]);
        expect(await store.dedup(actorId("busy"), "r0")).toEqual(dedupOf("r0", MANY, "anew"));
        expect(await store.dedup(actorId("busy"), "r1")).toBeUndefined();
      }));

    test("after pruning, no actor answers with another's reply", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const one = await claim(store, session.id, actorId("one"));
        const two = await claim(store, session.id, actorId("two"));
        const record = (claimed: typeof one, id: string) =>
          commit(store, session.id, turn(claimed, 0, { revision: 0, dedup: [dedupOf(id, 0)] }));
        expect(await record(one, "first")).toEqual(["committed"]);
        expect(await store.prune(-1_000, 0, 10)).toBe(1);
        expect(await record(two, "second")).toEqual(["committed"]);
        expect(await store.dedup(actorId("one"), "second")).toBeUndefined();
        expect((await claim(store, session.id, actorId("one"))).requestIds).toEqual([]);
        expect(await store.dedup(actorId("two"), "second")).toEqual(dedupOf("second", 0));
      }));
  });
}
