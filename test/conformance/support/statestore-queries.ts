import { describe, expect, test } from "bun:test";
import type { HistoryEntry, HistoryPolicy, Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  type Claimed,
  claim,
  commit,
  json,
  openSession,
  type StatestoreSubject,
  save,
  set,
  turn,
  withStore,
} from "./statestore-fixture.ts";

function withSearch(
  subject: StatestoreSubject,
  body: (
    store: Statestore,
    search: NonNullable<Statestore["search"]>,
    sessionId: number,
  ) => Promise<void>,
): Promise<void> {
  return withStore(subject, async (store) => {
    const { search } = store;
    if (search === undefined) return;
    await body(store, search, (await openSession(store)).id);
  });
}

/** Finding actors by what is stored in the clear. */
export function searchTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: search`, () => {
    test("pages in order of type and key visit every actor of the system once", () =>
      withSearch(subject, async (store, search, sessionId) => {
        const keys = ["b", "a", "%", "_", "a/b", "'; DROP TABLE actors; --", "ä", "😀", "aa"];
        for (const key of keys) {
          await claim(store, sessionId, actorId(key, "t2"));
          await claim(store, sessionId, actorId(key, "t1"));
        }
        await claim(store, sessionId, actorId("a", "t1", "other"));
        const seen: string[] = [];
        let after: { readonly type: string; readonly key: string } | undefined;
        for (;;) {
          const query = { system: "default", limit: 4, ...(after === undefined ? {} : { after }) };
          const page = await search.list(query);
          if (page.length === 0) break;
          seen.push(...page.map((row) => `${row.actor.type}/${row.actor.key}`));
          after = page.at(-1)?.actor;
        }
        expect(seen).toHaveLength(keys.length * 2);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.findIndex((name) => name.startsWith("t2"))).toBe(keys.length);
        expect(seen.slice(0, 4)).toEqual(["t1/%", "t1/'; DROP TABLE actors; --", "t1/_", "t1/a"]);
      }));

    test("a prefix is text, not a pattern", () =>
      withSearch(subject, async (store, search, sessionId) => {
        for (const key of ["user%1", "userx1", "user%", "use", "user😀"]) {
          await claim(store, sessionId, actorId(key));
        }
        const found = async (keyPrefix: string) => {
          const rows = await search.list({ system: "default", keyPrefix, limit: 10 });
          return rows.map((row) => row.actor.key);
        };
        expect(await found("user%")).toEqual(["user%", "user%1"]);
        expect(await found("user😀")).toEqual(["user😀"]);
        expect(await found("user")).toHaveLength(4);
        expect(await found("zzz")).toEqual([]);
      }));

    test("all tags asked for must be there with their values, as they are now", () =>
      withSearch(subject, async (store, search, sessionId) => {
        const red = await claim(store, sessionId, actorId("red"));
        const both = await claim(store, sessionId, actorId("both"));
        await claim(store, sessionId, actorId("none"));
        await save(store, red, 0, "1", { colour: "red" });
        await save(store, both, 0, "1", { colour: "red", "a.b'": 'x"y' });
        const found = async (tags: Record<string, string>) => {
          const rows = await search.list({ system: "default", type: "counter", tags, limit: 10 });
          return rows.map((row) => row.actor.key);
        };
        expect(await found({ colour: "red" })).toEqual(["both", "red"]);
        expect(await found({ colour: "red", "a.b'": 'x"y' })).toEqual(["both"]);
        expect(await found({ colour: "re" })).toEqual([]);
        expect(await found({})).toEqual(["both", "none", "red"]);
        await save(store, red, 1, "2", { colour: "blue" });
        await commit(store, sessionId, turn(both, 1, { change: { kind: "remove" } }));
        expect(await found({ colour: "red" })).toEqual([]);
        expect(await found({ colour: "blue" })).toEqual(["red"]);
      }));

    test("a row says where the actor stands, without its state", () =>
      withSearch(subject, async (store, search, sessionId) => {
        const mine = await claim(store, sessionId, actorId("a"));
        await save(store, mine, 0, "secret", { x: "y" });
        const [row] = await search.list({ system: "default", limit: 1 });
        expect(row).toMatchObject({ revision: 1, epoch: 1, tags: { x: "y" }, hasState: true });
        expect(Math.abs((row?.updatedMs ?? 0) - Date.now())).toBeLessThan(60_000);
        expect(JSON.stringify(row)).not.toContain("secret");
      }));
  });
}

function entry(revision: number): HistoryEntry {
  return {
    revision,
    state: json(`state ${revision}`),
    tags: { at: String(revision) },
    action: "add",
  };
}

async function writeTurns(
  store: Statestore,
  claimed: Claimed,
  count: number,
  historyPolicy: HistoryPolicy,
): Promise<void> {
  for (let revision = 1; revision <= count; revision++) {
    const change = set(`state ${revision}`);
    const history = [entry(revision)];
    const one = turn(claimed, revision - 1, { change, history, historyPolicy });
    expect(await commit(store, claimed.sessionId, one)).toEqual(["committed"]);
  }
}

/** Past states. */
export function historyTests(subject: StatestoreSubject): void {
  const withHistory = (
    body: (
      store: Statestore,
      history: NonNullable<Statestore["history"]>,
      claimed: Claimed,
    ) => Promise<void>,
  ): Promise<void> =>
    withStore(subject, async (store) => {
      const { history } = store;
      if (history === undefined) return;
      const session = await openSession(store);
      await body(store, history, await claim(store, session.id, actorId("past")));
    });

  describe(`${subject.name}: history`, () => {
    test("a past state is found by revision and by interval, newest first", () =>
      withHistory(async (store, history, claimed) => {
        await writeTurns(store, claimed, 5, { kind: "all" });
        const third = await history.byRevision(claimed.actor, 3);
        expect(third).toMatchObject(entry(3));
        expect(await history.byRevision(claimed.actor, 9)).toBeUndefined();
        expect(await history.byRevision(actorId("nobody"), 3)).toBeUndefined();
        const revisions = async (range: Parameters<typeof history.list>[1]) =>
          (await history.list(claimed.actor, range)).map((row) => row.revision);
        expect(await revisions({ limit: 10 })).toEqual([5, 4, 3, 2, 1]);
        expect(await revisions({ limit: 2 })).toEqual([5, 4]);
        expect(await revisions({ fromRevision: 2, toRevision: 3, limit: 10 })).toEqual([3, 2]);
        const at = third?.committedMs ?? 0;
        expect(await revisions({ fromMs: at, toMs: at, limit: 10 })).toContain(3);
        expect(await revisions({ toMs: at - 60_000, limit: 10 })).toEqual([]);
        expect(await revisions({ fromMs: at + 60_000, limit: 10 })).toEqual([]);
      }));

    test("the policy says how much stays, after the background has swept", () =>
      withHistory(async (store, history, claimed) => {
        const revisions = async () =>
          (await history.list(claimed.actor, { limit: 100 })).map((row) => row.revision);
        await writeTurns(store, claimed, 5, { kind: "last", count: 2 });
        expect(await revisions()).toEqual([5, 4]);
        const later = (revision: number, historyPolicy: HistoryPolicy) =>
          commit(
            store,
            claimed.sessionId,
            turn(claimed, revision - 1, { history: [entry(revision)], historyPolicy }),
          );
        await later(6, { kind: "duration", ms: 3_600_000 });
        expect(await revisions()).toEqual([6, 5, 4]);
        const prune = (policy: HistoryPolicy, limit = 100) => {
          const { system, type } = claimed.actor;
          return history.prune({ system, type, policy, limit });
        };
        expect(await prune({ kind: "all" })).toBe(0);
        expect(await prune({ kind: "duration", ms: 3_600_000 })).toBe(0);
        expect(await prune({ kind: "last", count: 2 })).toBe(1);
        expect(await revisions()).toEqual([6, 5]);
        await later(7, { kind: "duration", ms: -1_000 });
        await prune({ kind: "duration", ms: -1_000 });
        expect(await revisions()).toEqual([]);
        await later(8, { kind: "all" });
        await commit(store, claimed.sessionId, turn(claimed, 8));
        await prune({ kind: "none" });
        expect(await revisions()).toEqual([]);
      }));

    test("a deletion is a past state without a state", () =>
      withHistory(async (store, history, claimed) => {
        await writeTurns(store, claimed, 1, { kind: "all" });
        const gone = { revision: 2, state: undefined, tags: {}, action: "delete" };
        const change = { kind: "remove" } as const;
        const historyPolicy = { kind: "all" } as const;
        await commit(
          store,
          claimed.sessionId,
          turn(claimed, 1, { change, history: [gone], historyPolicy }),
        );
        expect(await history.byRevision(claimed.actor, 2)).toMatchObject(gone);
        expect(await history.byRevision(claimed.actor, 1)).toMatchObject(entry(1));
      }));
  });
}
