import { describe, expect, test } from "bun:test";
import type { Resealing, SealedRow, Seeds, Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  bytes,
  type Claimed,
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

const OLD_KEY = bytes("old-key1");
const NEW_KEY = bytes("new-key1");
const EMPTY = new Uint8Array(0);

/** What an envelope is for a store: version, algorithm, key id, and the rest. */
function envelope(key: Uint8Array, text: string, algorithm = 1): Uint8Array {
  return Uint8Array.of(1, algorithm, ...key, ...bytes(text));
}

interface Seeded {
  readonly store: Statestore;
  readonly seeds: Seeds;
  readonly sessionId: number;
  readonly mine: Claimed;
}

/** Everything that an actor can leave in a store, at revision 1. */
function everything(mine: Claimed, seal: (text: string) => Uint8Array = bytes) {
  const state = { data: seal("past"), type: "application/json" };
  return turn(mine, 0, {
    change: { kind: "set", state: { ...state, data: seal("state") }, tags: { colour: "red" } },
    dedup: [{ ...dedupOf("before", 1), reply: seal("reply") }],
    outbox: [
      { ...messageTo(actorId("target"), 1, 0), body: seal("message") },
      { ...messageTo(actorId("dead"), 1, 1), body: seal("dead letter") },
    ],
    schedules: [
      { kind: "set", name: "tick", dueMs: 0, repeat: "", action: "tick", body: seal("schedule") },
    ],
    history: [{ revision: 1, state, tags: {}, action: "add" }],
    historyPolicy: { kind: "all" },
    seed: seal("seed"),
  });
}

/** What is left of it. */
async function left(store: Statestore, sessionId: number, mine: Claimed) {
  const due = (await store.outbox?.due(sessionId, 100, 1)) ?? [];
  const dead = (await store.outbox?.deadLetters(100)) ?? [];
  return {
    history: (await store.history?.list(mine.actor, { limit: 100 }))?.map((row) => row.revision),
    messages: [...due, ...dead].filter(({ source }) => source.key === mine.actor.key).length,
    schedules: (await store.schedules?.list(mine.actor))?.map((row) => row.name),
  };
}

function withSeeds(subject: StatestoreSubject, body: (seeded: Seeded) => Promise<void>) {
  return withStore(subject, async (store) => {
    const { seeds } = store;
    if (seeds === undefined) return;
    const { id } = await openSession(store);
    await body({ store, seeds, sessionId: id, mine: await claim(store, id, actorId("a")) });
  });
}

/** Seeds: kept with the actor, given back, replaced only when given. */
export function seedTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: seeds`, () => {
    test("the seed of a first commit comes back with claims, reads and `find`", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        expect(mine.seed).toBeUndefined();
        const first = turn(mine, 0, { change: set("one"), seed: bytes("seed one") });
        expect(await commit(store, sessionId, first)).toEqual(["committed"]);
        const other = await claim(store, sessionId, actorId("b"));
        await save(store, other, 0, "no seed");
        const asked = [actorId("b"), actorId("nobody"), actorId("a")];
        expect(await seeds.find(asked)).toEqual([undefined, undefined, bytes("seed one")]);
        expect(await seeds.find([])).toEqual([]);
        expect((await store.read(actorId("a")))?.seed).toEqual(bytes("seed one"));
        expect((await store.read(actorId("b")))?.seed).toBeUndefined();
        expect((await claim(store, sessionId, actorId("a"))).seed).toEqual(bytes("seed one"));
        expect((await claim(store, sessionId, actorId("b"))).seed).toBeUndefined();
      }));

    test("a seed comes with a turn that only records a reply as well", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        const seed = bytes("seed");
        const recorded = turn(mine, 0, { revision: 0, dedup: [dedupOf("r", 0)], seed });
        expect(await commit(store, sessionId, recorded)).toEqual(["committed"]);
        expect(await seeds.find([mine.actor])).toEqual([seed]);
      }));

    test("it stays until another is given, also under a tombstone", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        const first = turn(mine, 0, { change: set("one"), seed: bytes("seed one") });
        await commit(store, sessionId, first);
        await save(store, mine, 1, "two");
        expect(await seeds.find([mine.actor])).toEqual([bytes("seed one")]);
        await commit(store, sessionId, turn(mine, 2, { change: { kind: "remove" } }));
        expect(await seeds.find([mine.actor])).toEqual([bytes("seed one")]);
        const again = await claim(store, sessionId, mine.actor);
        expect(again).toMatchObject({ revision: 3, seed: bytes("seed one") });
        const another = turn(again, 3, { change: set("three"), seed: bytes("seed two") });
        expect(await commit(store, sessionId, another)).toEqual(["committed"]);
        expect((await store.read(mine.actor))?.seed).toEqual(bytes("seed two"));
      }));

    test("a commit that loses its compare-and-set brings no seed", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        const first = turn(mine, 0, { change: set("one"), seed: bytes("seed one") });
        await commit(store, sessionId, first);
        const late = turn(mine, 0, { change: set("late"), seed: bytes("late seed") });
        expect(await commit(store, sessionId, late)).toEqual(["conflict"]);
        const heir = await claim(store, sessionId, mine.actor);
        const stale = turn(mine, 1, { change: set("stale"), seed: bytes("stale seed") });
        expect(await commit(store, sessionId, stale)).toEqual(["fenced"]);
        expect(heir.seed).toEqual(bytes("seed one"));
        expect(await seeds.find([mine.actor])).toEqual([bytes("seed one")]);
      }));

    test("a seed survives the process where states do", () =>
      withStore(subject, async (store, dir) => {
        if (store.seeds === undefined || !subject.durable || subject.shared !== true) return;
        const { id } = await openSession(store);
        const mine = await claim(store, id, actorId("a"));
        await commit(store, id, turn(mine, 0, { change: set("one"), seed: bytes("seed") }));
        const beside = await subject.open(dir);
        try {
          expect(await beside.seeds?.find([mine.actor])).toEqual([bytes("seed")]);
        } finally {
          await beside.stop?.(AbortSignal.timeout(10_000));
        }
      }));
  });
}

/** Shredding: with the compare-and-set, all that the actor had is gone. */
export function shredTests(subject: StatestoreSubject): void {
  const tombstone = { change: { kind: "remove" }, shred: true } as const;
  describe(`${subject.name}: shredding`, () => {
    test("takes seed, past states, messages and schedules, and leaves request ids", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        const other = await claim(store, sessionId, actorId("b"));
        for (const one of [mine, other]) {
          expect(await commit(store, sessionId, everything(one))).toEqual(["committed"]);
        }
        const dead = (await store.outbox?.due(sessionId, 100, 1)) ?? [];
        for (const { rowId, target } of dead) {
          if (target.key === "dead") await store.outbox?.deadLetter(rowId, "nobody took it");
        }
        expect(await commit(store, sessionId, turn(mine, 1, tombstone))).toEqual(["committed"]);
        const { epoch } = mine;
        expect(await store.read(mine.actor)).toEqual({
          epoch,
          revision: 2,
          state: undefined,
          tags: {},
        });
        expect(await seeds.find([mine.actor, other.actor])).toEqual([undefined, bytes("seed")]);
        const gone = { requestId: "before", digest: EMPTY, revision: 1, reply: EMPTY };
        expect(await store.dedup(mine.actor, "before")).toEqual(gone);
        expect(await store.dedup(other.actor, "before")).toEqual({
          ...dedupOf("before", 1),
          reply: bytes("reply"),
        });
        const nothing = {
          history: store.history && [],
          messages: 0,
          schedules: store.schedules && [],
        };
        expect(await left(store, sessionId, mine)).toEqual(nothing);
        const again = await claim(store, sessionId, mine.actor);
        expect(again).toMatchObject({ revision: 2, requestIds: ["before"], existed: true });
        expect([again.seed, again.state]).toEqual([undefined, undefined]);
      }));

    test("one that is fenced or in conflict changes nothing", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        expect(await commit(store, sessionId, everything(mine))).toEqual(["committed"]);
        expect(await commit(store, sessionId, turn(mine, 0, tombstone))).toEqual(["conflict"]);
        await claim(store, sessionId, mine.actor);
        expect(await commit(store, sessionId, turn(mine, 1, tombstone))).toEqual(["fenced"]);
        expect(await seeds.find([mine.actor])).toEqual([bytes("seed")]);
        expect((await store.dedup(mine.actor, "before"))?.reply).toEqual(bytes("reply"));
        expect((await store.read(mine.actor))?.revision).toBe(1);
        expect(await left(store, sessionId, mine)).toEqual({
          history: store.history && [1],
          messages: store.outbox === undefined ? 0 : 2,
          schedules: store.schedules && ["tick"],
        });
      }));

    test("what comes with the same commit is kept: the actor lives again", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        await commit(store, sessionId, everything(mine));
        const reborn = turn(mine, 1, {
          revision: 4,
          change: set("reborn", { colour: "blue" }),
          shred: true,
          seed: bytes("second seed"),
          dedup: [
            { requestId: "earlier turn", digest: EMPTY, revision: 2, reply: EMPTY },
            dedupOf("after", 4),
          ],
          outbox: [messageTo(actorId("target"), 4, 0)],
          schedules: [scheduleOf("tock", 0)],
          history: [{ revision: 4, state: json("reborn"), tags: {}, action: "add" }],
          historyPolicy: { kind: "all" },
        });
        expect(await commit(store, sessionId, reborn)).toEqual(["committed"]);
        expect(await store.read(mine.actor)).toEqual({
          epoch: mine.epoch,
          revision: 4,
          state: json("reborn"),
          tags: { colour: "blue" },
          seed: bytes("second seed"),
        });
        expect(await seeds.find([mine.actor])).toEqual([bytes("second seed")]);
        expect((await store.dedup(mine.actor, "before"))?.reply).toEqual(EMPTY);
        expect((await store.dedup(mine.actor, "earlier turn"))?.reply).toEqual(EMPTY);
        expect(await store.dedup(mine.actor, "after")).toEqual(dedupOf("after", 4));
        expect(await left(store, sessionId, mine)).toEqual({
          history: store.history && [4],
          messages: store.outbox === undefined ? 0 : 1,
          schedules: store.schedules && ["tock"],
        });
      }));

    test("blanks many recorded replies, and can be done again", () =>
      withSeeds(subject, async ({ store, seeds, sessionId, mine }) => {
        const ids = Array.from({ length: 60 }, (_, index) => `r${index}`);
        for (const [index, id] of ids.entries()) {
          const recorded = turn(mine, index, { change: set(id), dedup: [dedupOf(id, index + 1)] });
          expect(await commit(store, sessionId, recorded)).toEqual(["committed"]);
        }
        for (const revision of [60, 61]) {
          const results = await commit(store, sessionId, turn(mine, revision, tombstone));
          expect(results).toEqual(["committed"]);
          for (const id of ids) {
            const found = await store.dedup(mine.actor, id);
            expect([found?.digest, found?.reply]).toEqual([EMPTY, EMPTY]);
          }
        }
        expect(await seeds.find([mine.actor])).toEqual([undefined]);
      }));
  });
}

const SEALED = ["state", "history", "dedup", "outbox", "outbox", "schedule", "seed"] as const;

/** Walks until nothing new is met; rows that stay are met again and again. */
async function allPending(resealing: Resealing, keyId: Uint8Array): Promise<SealedRow[]> {
  const met = new Map<string, SealedRow>();
  for (let idle = 0; idle < 3; ) {
    const before = met.size;
    for (const row of await resealing.pending(keyId, 3)) {
      met.set(`${row.purpose} ${row.rowId}`, row);
    }
    idle = met.size === before ? idle + 1 : 0;
  }
  return [...met.values()];
}

/** Re-encryption: every sealed row is met, seeds too, with what it takes to open it. */
export function resealTests(subject: StatestoreSubject): void {
  const purposesOf = (store: Statestore): readonly SealedRow["purpose"][] =>
    SEALED.filter((purpose) => {
      if (purpose === "history") return store.history !== undefined;
      if (purpose === "outbox") return store.outbox !== undefined;
      if (purpose === "schedule") return store.schedules !== undefined;
      return purpose !== "seed" || store.seeds !== undefined;
    });
  const withResealing = (
    body: (seeded: Omit<Seeded, "seeds">, resealing: Resealing) => Promise<void>,
  ) =>
    withStore(subject, async (store) => {
      const { resealing } = store;
      if (resealing === undefined) return;
      const { id } = await openSession(store);
      const mine = await claim(store, id, actorId("a"));
      await body({ store, sessionId: id, mine }, resealing);
    });
  const write = async (store: Statestore, mine: Claimed, algorithm = 1): Promise<void> => {
    const all = everything(mine, (text) =>
      envelope(OLD_KEY, text, text === "seed" ? 1 : algorithm),
    );
    const { seed, ...rest } = all;
    const one = store.seeds === undefined ? rest : { ...rest, seed };
    expect(await commit(store, mine.sessionId, one as typeof all)).toEqual(["committed"]);
  };

  describe(`${subject.name}: re-encryption`, () => {
    test("meets every row of another key with its place and the actor's seed, and counts them", () =>
      withResealing(async ({ store, mine }, resealing) => {
        await write(store, mine, 2);
        const found = await allPending(resealing, NEW_KEY);
        expect(found.map(({ purpose }) => purpose).sort()).toEqual([...purposesOf(store)].sort());
        const labels: Readonly<Partial<Record<SealedRow["purpose"], readonly [number, string]>>> = {
          state: [1, "application/json"],
          history: [1, "application/json"],
          dedup: [1, "before"],
          schedule: [0, "tick"],
          seed: [0, ""],
        };
        for (const row of found) {
          expect(row.actor).toEqual(mine.actor);
          const place = labels[row.purpose];
          if (place !== undefined) expect([row.revision, row.label]).toEqual([...place]);
          const hasSeed = store.seeds !== undefined && row.purpose !== "seed";
          expect(row.seed).toEqual(hasSeed ? envelope(OLD_KEY, "seed") : undefined);
        }
        expect(await allPending(resealing, OLD_KEY)).toEqual([]);
        const count = (await resealing.countByKey()).get(OLD_KEY.toHex());
        expect(count).toBe(purposesOf(store).length);
      }));

    test("moves rows by compare-and-set, and meets them no more", () =>
      withResealing(async ({ store, mine }, resealing) => {
        await write(store, mine, 2);
        const found = await allPending(resealing, NEW_KEY);
        for (const row of found) {
          const { before } = row;
          const sealed = Uint8Array.of(1, before[1] ?? 0, ...NEW_KEY, ...before.subarray(10));
          const changed = { ...row, before: envelope(OLD_KEY, "something else") };
          expect(await resealing.replace(changed, sealed)).toBe(false);
          expect(await resealing.replace(row, sealed)).toBe(true);
          expect(await resealing.replace(row, sealed)).toBe(false);
        }
        expect(await allPending(resealing, NEW_KEY)).toEqual([]);
        const counts = await resealing.countByKey();
        expect(counts.get(OLD_KEY.toHex())).toBeUndefined();
        expect(counts.get(NEW_KEY.toHex())).toBe(found.length);
        expect((await store.read(mine.actor))?.state?.data).toEqual(envelope(NEW_KEY, "state", 2));
      }));

    test("meets rows without a seed of actors that have one, and replies that were shredded never", () =>
      withResealing(async ({ store, sessionId, mine }, resealing) => {
        if (store.seeds === undefined) return;
        await write(store, mine, 1);
        const found = await allPending(resealing, OLD_KEY);
        const expected = purposesOf(store).filter((purpose) => purpose !== "seed");
        expect(found.map(({ purpose }) => purpose).sort()).toEqual([...expected].sort());
        const change = { kind: "remove" } as const;
        await commit(store, sessionId, turn(mine, 1, { change, shred: true }));
        expect(await allPending(resealing, OLD_KEY)).toEqual([]);
        expect(await allPending(resealing, NEW_KEY)).toEqual([]);
        expect(await resealing.countByKey()).toEqual(new Map());
      }));

    test("rows in the clear are met and counted apart", () =>
      withResealing(async ({ store, mine }, resealing) => {
        await save(store, mine, 0, "clear text");
        expect((await allPending(resealing, OLD_KEY)).map(({ purpose }) => purpose)).toEqual([
          "state",
        ]);
        expect(await resealing.countByKey()).toEqual(new Map([["", 1]]));
      }));
  });
}
