import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ActorCommit, ScheduleChange } from "../../../../src/contract/index.ts";
import {
  actorId,
  dedupOf,
  json,
  messageTo,
  scheduleOf,
  set,
} from "../../../../test/conformance/support/statestore-fixture.ts";
import { actorIdentity } from "../identity.ts";
import { BATCH_COLUMNS, type EncodedEffects } from "./commit-batch.ts";
import { encodeBatch, identified } from "./encode-batch.ts";
import { hexOf, tagDigest, textOf, utf8 } from "./row-values.ts";

function commitOf(key: string, changes: Partial<ActorCommit> = {}): ActorCommit {
  return {
    actor: actorId(key),
    handle: 0,
    epoch: 1,
    baseRevision: 4,
    revision: 5,
    change: { kind: "keep" },
    dedup: [],
    outbox: [],
    schedules: [],
    history: [],
    historyPolicy: { kind: "none" },
    ...changes,
  };
}

const encode = (...commits: readonly ActorCommit[]) => encodeBatch(7, identified(commits));

function effectsOf(...commits: readonly ActorCommit[]): EncodedEffects {
  const { effects } = encode(...commits);
  if (effects === undefined) throw new Error("no effects");
  return effects;
}

const entry = (revision: number) => {
  return { revision, state: json(`${revision}`), tags: {}, action: "add" };
};

describe("a batch", () => {
  test("is ordered by identity in every list, whatever order it came in", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), (keys) => {
        const commits = keys.map((key) =>
          commitOf(key, { change: set(key, { tag: key }), dedup: [dedupOf("r", 5)] }),
        );
        const batch = encode(...commits);
        const inOrder = keys.map((key) => hexOf(actorIdentity(actorId(key)))).sort();
        const lists = [batch.actors, batch.dedup, batch.effects?.tags ?? []];
        for (const list of lists) expect(list.map(([actor]) => hexOf(actor))).toEqual(inOrder);
      }),
    );
  });

  test("has rows as wide as its columns say", () => {
    const batch = encode(
      commitOf("a", {
        change: set("x", { a: "b" }),
        shred: true,
        dedup: [dedupOf("r", 5)],
        outbox: [messageTo(actorId("t"), 5, 0)],
        schedules: [scheduleOf("s", 1)],
        history: [entry(5)],
        historyPolicy: { kind: "all" },
      }),
      commitOf("b", { seed: utf8("seed") }),
    );
    const lists = { actors: batch.actors, dedup: batch.dedup, ...batch.effects };
    for (const [name, rows] of Object.entries(lists)) {
      const columns: readonly string[] = BATCH_COLUMNS[name as keyof typeof BATCH_COLUMNS];
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
  });

  test("of states and replies with tags as they were has no effects", () => {
    const same = { ...set("x"), sameTags: true } as ActorCommit["change"];
    const batch = encode(commitOf("a", { change: same, dedup: [dedupOf("r", 5)] }), commitOf("b"));
    expect(batch.effects).toBeUndefined();
    expect(batch.sessionId).toBe(7);
  });

  test("writes no state where no revision is taken", () => {
    const [row] = encode(commitOf("a", { revision: 4, change: set("x") })).actors;
    expect(row?.slice(1)).toEqual([1, 4, 4, 0, null, null, null]);
    const [removal] = encode(commitOf("a", { change: { kind: "remove" } })).actors;
    expect(removal?.slice(1)).toEqual([1, 4, 5, 1, "{}", null, null]);
  });
});

describe("schedules", () => {
  const change = fc.record({ name: fc.constantFrom("a", "b", "c"), sets: fc.boolean() });
  test("the last change of a name is the one that stays", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1 }), (changes) => {
        const schedules = changes.map(
          ({ name, sets }, index): ScheduleChange =>
            sets ? scheduleOf(name, index) : { kind: "cancel", name },
        );
        const last = new Map(changes.map(({ name, sets }, index) => [name, sets ? index : -1]));
        const effects = effectsOf(commitOf("a", { schedules }));
        const gone = effects.unscheduled.map(([, name]) => textOf(name)).sort();
        expect(gone).toEqual([...last.keys()].sort());
        const kept = effects.schedules.map(([, name, dueMs]) => [textOf(name), dueMs]);
        expect(new Map(kept as [string, number][])).toEqual(
          new Map([...last].filter(([, dueMs]) => dueMs >= 0)),
        );
      }),
    );
  });
});

describe("history", () => {
  test("what stays of new and old states together is what the policy keeps", () => {
    const numbers = fc.record({ added: fc.nat({ max: 6 }), count: fc.nat({ max: 6 }) });
    fc.assert(
      fc.property(numbers, ({ added, count }) => {
        fc.pre(added > 0);
        const history = Array.from({ length: added }, (_, index) => entry(5 + index));
        const historyPolicy = { kind: "last", count } as const;
        const effects = effectsOf(commitOf("a", { history, historyPolicy }));
        const revisions = effects.history.map(([, revision]) => Number(revision));
        expect(revisions).toEqual(history.map(({ revision }) => revision).slice(-count || added));
        const [forgotten] = effects.forgotten;
        expect(Number(forgotten?.[1]) + revisions.length).toBe(Math.max(count, revisions.length));
      }),
    );
  });

  test("with `all` and a duration nothing goes at once", () => {
    for (const historyPolicy of [{ kind: "all" }, { kind: "duration", ms: 5 }] as const) {
      const effects = effectsOf(commitOf("a", { history: [entry(5)], historyPolicy }));
      expect([effects.forgotten, effects.history.length]).toEqual([[], 1]);
    }
  });

  test("without new states nothing is forgotten, unless the actor is shredded", () => {
    const historyPolicy = { kind: "last", count: 2 } as const;
    expect(encode(commitOf("a", { historyPolicy })).effects).toBeUndefined();
    const shredded = effectsOf(commitOf("a", { historyPolicy, shred: true }));
    expect(shredded.forgotten.map(([, keep]) => keep)).toEqual([0]);
    expect([shredded.shredded.length, shredded.unseeded.length]).toEqual([1, 1]);
  });
});

describe("values", () => {
  test("any text comes back from its bytes, and no two texts have the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(textOf(utf8(a))).toBe(a);
        if (a !== b) expect(hexOf(utf8(a))).not.toBe(hexOf(utf8(b)));
      }),
    );
  });

  test("no two tags have one digest", () => {
    const of = (name: string, value: string) => hexOf(tagDigest("s", name, value));
    expect(of("a\0b", "c")).not.toBe(of("a", "b\0c"));
    expect(of("ab", "c")).not.toBe(of("a", "bc"));
    expect(of("a", "b")).toBe(of("a", "b"));
    expect(hexOf(tagDigest("t", "a", "b"))).not.toBe(of("a", "b"));
  });
});
