import { describe, expect, test } from "bun:test";
import type { ActorTypeSpec } from "../../../src/contract/index.ts";
import { tempDir } from "../../support/temp-dir.ts";
import {
  actorId,
  bytes,
  claim,
  commit,
  dedupOf,
  json,
  openSession,
  type StatestoreSubject,
  save,
  scheduleOf,
  turn,
  withStore,
} from "./statestore-fixture.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);
const LARGE = Uint8Array.from({ length: 1_000_003 }, (_, index) => (index * 31) & 0xff);
const ODD_KEYS = [
  "a\0b",
  "😀",
  "'; DROP TABLE actors; --",
  'x" OR ""="',
  "%_\\",
  " lead and trail ",
  "ä".repeat(127),
  "k".repeat(255),
  "a/b/c",
  "line\nbreak\ttab",
];

/** What goes in comes out. */
export function fidelityTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: fidelity`, () => {
    test.each([
      ["no bytes", new Uint8Array(0)],
      ["every byte", ALL_BYTES],
      ["a megabyte", LARGE],
      ["a view into a larger buffer", ALL_BYTES.subarray(10, 20)],
    ])("a state of %s comes back", (_name, data) =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const state = { data, type: "type.example.com/ä.😀" };
        const change = { kind: "set", state, tags: {} } as const;
        const dedup = [{ requestId: "r", digest: data, revision: 1, reply: data }];
        expect(await commit(store, session.id, turn(mine, 0, { change, dedup }))).toEqual([
          "committed",
        ]);
        const again = await claim(store, session.id, actorId("a"));
        expect(again.state?.type).toBe(state.type);
        expect(Buffer.compare(again.state?.data ?? bytes("none"), data)).toBe(0);
        const reply = (await store.dedup(actorId("a"), "r"))?.reply ?? bytes("none");
        expect(Buffer.compare(reply, data)).toBe(0);
      }),
    );

    test("odd keys, tags and request ids stay apart and come back", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        for (const [index, key] of ODD_KEYS.entries()) {
          const mine = await claim(store, session.id, actorId(key));
          const change = { kind: "set", state: json(key), tags: { [key]: key } } as const;
          const dedup = [dedupOf(key, 1, String(index))];
          expect(await commit(store, session.id, turn(mine, 0, { change, dedup }))).toEqual([
            "committed",
          ]);
        }
        for (const [index, key] of ODD_KEYS.entries()) {
          const found = await store.read(actorId(key));
          expect(found?.state).toEqual(json(key));
          expect(found?.tags).toEqual({ [key]: key });
          expect(await store.dedup(actorId(key), key)).toEqual(dedupOf(key, 1, String(index)));
        }
        expect(await store.read(actorId("a"))).toBeUndefined();
      }));

    test("actors of other systems and types with the same key are others", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const ids = [actorId("k"), actorId("k", "other"), actorId("k", "counter", "other")];
        for (const [index, id] of ids.entries()) {
          await save(store, await claim(store, session.id, id), 0, String(index));
        }
        const states = await Promise.all(ids.map((id) => store.read(id)));
        expect(states.map((found) => found?.state)).toEqual([json("0"), json("1"), json("2")]);
      }));

    test("names that a collation would take for equal are different", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const names = ["name", "NAME", "name ", "n\u00e4me", "na\u0308me", "name\0"];
        for (const [index, name] of names.entries()) {
          const mine = await claim(store, session.id, actorId(name));
          const schedules = names.map((other) => scheduleOf(other, index));
          const dedup = names.map((other) => dedupOf(other, 1, `${name}/${other}`));
          const tags = Object.fromEntries(names.map((other) => [other, name]));
          const change = { kind: "set", state: json(name), tags } as const;
          expect(
            await commit(store, session.id, turn(mine, 0, { change, schedules, dedup })),
          ).toEqual(["committed"]);
        }
        for (const name of names) {
          expect((await store.read(actorId(name)))?.state).toEqual(json(name));
          expect((await store.schedules?.list(actorId(name)))?.length ?? 6).toBe(names.length);
          for (const other of names) {
            const found = await store.dedup(actorId(name), other);
            expect(found).toEqual(dedupOf(other, 1, `${name}/${other}`));
          }
          const query = { system: "default", tags: { name }, limit: 10 };
          const rows = (await store.search?.list(query)) ?? [{ actor: actorId(name) }];
          expect(rows.map((row) => row.actor.key)).toEqual([name]);
        }
      }));

    test("large revisions are exact", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const revision = 2 ** 52 + 1;
        await commit(
          store,
          session.id,
          turn(mine, 0, { revision, dedup: [dedupOf("r", revision)] }),
        );
        expect((await store.read(actorId("a")))?.revision).toBe(revision);
        expect((await store.dedup(actorId("a"), "r"))?.revision).toBe(revision);
        expect(await commit(store, session.id, turn(mine, revision + 1))).toEqual(["conflict"]);
        expect(await commit(store, session.id, turn(mine, revision))).toEqual(["committed"]);
      }));
  });
}

const SPEC: ActorTypeSpec = {
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
  history: { kind: "last", count: 3 },
  stateType: "application/json",
  mailboxCalls: 1_000,
  mailboxBytes: 8_388_608,
};

/** Registered types and small named values. */
export function registryTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: types and named values`, () => {
    test("a type is replaced by its next registration", () =>
      withStore(subject, async (store) => {
        expect(await store.types.list()).toEqual([]);
        await store.types.put([SPEC, { ...SPEC, type: "other" }]);
        await store.types.put([{ ...SPEC, stateful: false }]);
        const listed = [...(await store.types.list())].sort((a, b) => (a.type < b.type ? -1 : 1));
        expect(listed).toEqual([
          { ...SPEC, stateful: false },
          { ...SPEC, type: "other" },
        ]);
      }));

    test("a named value is written once unless it is put", () =>
      withStore(subject, async (store) => {
        expect(await store.meta.get("suite")).toBeUndefined();
        expect(await store.meta.putIfAbsent("suite", bytes("1"))).toEqual(bytes("1"));
        expect(await store.meta.putIfAbsent("suite", bytes("2"))).toEqual(bytes("1"));
        await store.meta.put("suite", bytes("3"));
        expect(await store.meta.get("suite")).toEqual(bytes("3"));
      }));
  });
}

/** Starting, stopping, and what is left afterwards. */
export function lifeTests(subject: StatestoreSubject): void {
  const stop = (store: { stop?(signal: AbortSignal): Promise<void> }) =>
    store.stop?.(AbortSignal.timeout(10_000));

  describe(`${subject.name}: life`, () => {
    test("stopping twice is harmless", () =>
      withStore(subject, async (store) => {
        await stop(store);
        await stop(store);
      }));

    test(`committed state is ${subject.durable ? "there" : "gone"} after a stop`, async () => {
      using folder = tempDir();
      const first = await subject.open(folder.path);
      const session = await openSession(first);
      const mine = await claim(first, session.id, actorId("a"));
      await save(first, mine, 0, "kept", { tag: "value" });
      await first.types.put([SPEC]);
      await stop(first);
      const second = await (subject.reopen ?? subject.open)(folder.path);
      try {
        const found = await second.read(actorId("a"));
        const types = await second.types.list();
        if (subject.durable) {
          expect(second.durability).toBe("durable");
          expect(found).toEqual({
            epoch: 1,
            revision: 1,
            state: json("kept"),
            tags: { tag: "value" },
          });
          expect(types).toEqual([SPEC]);
          const next = await openSession(second);
          expect(next.id).toBeGreaterThan(session.id);
          expect((await claim(second, next.id, actorId("a"))).epoch).toBe(2);
        } else {
          expect(second.durability).toBe("process");
          expect(found).toBeUndefined();
          expect(types).toEqual([]);
        }
      } finally {
        await stop(second);
      }
    });

    test("stores over other folders share nothing", () =>
      withStore(subject, (one) =>
        withStore(subject, async (two) => {
          const session = await openSession(one);
          await save(one, await claim(one, session.id, actorId("a")), 0, "one");
          expect(await two.read(actorId("a"))).toBeUndefined();
        }),
      ));

    test("the engine says what it is", () =>
      withStore(subject, async (store) => {
        expect(await store.describe()).not.toBe("");
        expect(store.lanes).toBeGreaterThan(0);
      }));
  });
}

/** Two connections to the same data. */
export function connectionTests(subject: StatestoreSubject): void {
  if (subject.shared !== true) return;
  describe(`${subject.name}: two connections`, () => {
    test("a claim through one fences a commit prepared on the other", () =>
      withStore(subject, async (one, dir) => {
        const two = await subject.open(dir);
        try {
          const old = await openSession(one, "old");
          const mine = await claim(one, old.id, actorId("a"));
          await save(one, mine, 0, "first");
          const prepared = turn(mine, 1, { change: { kind: "remove" } });
          await two.sessions.fence(old.id, true);
          const heir = await openSession(two, "heir");
          const theirs = await claim(two, heir.id, actorId("a"));
          expect(theirs.state).toEqual(json("first"));
          expect(await one.epochs([actorId("a")])).toEqual([theirs.epoch]);
          expect(await commit(one, old.id, prepared)).toEqual(["fenced"]);
          await save(two, theirs, 1, "second");
          expect((await one.read(actorId("a")))?.state).toEqual(json("second"));
        } finally {
          await stopStore(two);
        }
      }));

    test("claims through both never give one epoch twice", () =>
      withStore(subject, async (one, dir) => {
        const two = await subject.open(dir);
        try {
          const session = await openSession(one);
          const claims = Array.from({ length: 100 }, (_, index) =>
            claim(index % 2 === 0 ? one : two, session.id, actorId("hot")),
          );
          const epochs = (await Promise.all(claims)).map((claimed) => claimed.epoch);
          expect(new Set(epochs).size).toBe(100);
        } finally {
          await stopStore(two);
        }
      }));
  });
}

async function stopStore(store: { stop?(signal: AbortSignal): Promise<void> }): Promise<void> {
  await store.stop?.(AbortSignal.timeout(10_000));
}
