import { describe, expect, test } from "bun:test";
import { waitUntil } from "../../support/wait-until.ts";
import {
  actorId,
  claim,
  commit,
  openSession,
  rejectionOf,
  type StatestoreSubject,
  save,
  set,
  turn,
  withStore,
} from "./statestore-fixture.ts";

/** Lease rows: one that is up per node name, ids that only grow, the store's clock alone. */
export function sessionTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: sessions`, () => {
    test("a new session fences the older one of its name and has a greater id", () =>
      withStore(subject, async (store) => {
        const first = await openSession(store, "a");
        const other = await openSession(store, "b");
        const second = await openSession(store, "a");
        expect(second.id).toBeGreaterThan(other.id);
        expect(other.id).toBeGreaterThan(first.id);
        const rows = await store.sessions.list();
        const up = rows.filter((row) => row.state === "up").map((row) => row.id);
        expect(up.sort()).toEqual([other.id, second.id].sort());
        expect(await store.sessions.renew(first.id, 10_000)).toBe("fenced");
        expect(await store.sessions.renew(second.id, 10_000)).toBe("renewed");
      }));

    test("only an ended lease is fenced without eviction", () =>
      withStore(subject, async (store) => {
        const living = await openSession(store, "living");
        expect(await store.sessions.fence(living.id, false)).toBe(false);
        expect(await store.sessions.renew(living.id, 10_000)).toBe("renewed");
        const brief = await openSession(store, "brief", 1);
        await waitUntil("the lease has ended", () => store.sessions.fence(brief.id, false));
        expect(await store.sessions.renew(brief.id, 10_000)).toBe("fenced");
        expect(await store.sessions.fence(living.id, true)).toBe(true);
        expect(await store.sessions.renew(living.id, 10_000)).toBe("fenced");
      }));

    test("closing is idempotent and never revives", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        await store.sessions.close(session.id);
        await store.sessions.close(session.id);
        expect(await store.sessions.renew(session.id, 10_000)).toBe("fenced");
        expect(await store.sessions.fence(session.id, false)).toBe(true);
      }));

    test("a lease says how long it still runs", () =>
      withStore(subject, async (store) => {
        const { id } = await openSession(store, "node-1", 60_000);
        const row = (await store.sessions.list()).find((found) => found.id === id);
        expect(row?.remainingMs).toBeGreaterThan(30_000);
        expect(row?.remainingMs).toBeLessThanOrEqual(60_000);
        expect(row).toMatchObject({
          nodeName: "node-1",
          bootId: "node-1-boot",
          address: "node-1:7702",
        });
      }));
  });
}

/** Claims: who gets an actor, and that its epoch only grows. */
export function claimTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: claims`, () => {
    test("an actor that was never saved is claimed without state", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        expect(await store.read(actorId("new"))).toBeUndefined();
        expect(await store.epochs([actorId("new")])).toEqual([undefined]);
        const first = await claim(store, session.id, actorId("new"));
        expect(first).toMatchObject({ epoch: 1, revision: 0, state: undefined, existed: false });
        expect(first.tags).toEqual({});
        expect(first.requestIds).toEqual([]);
        const again = await claim(store, session.id, actorId("new"));
        expect(again).toMatchObject({ epoch: 2, existed: true });
        expect(await store.epochs([actorId("new"), actorId("none")])).toEqual([2, undefined]);
      }));

    test("a living owner is named, and its actor untouched", () =>
      withStore(subject, async (store) => {
        const owner = await openSession(store, "owner");
        const rival = await openSession(store, "rival");
        const owned = await claim(store, owner.id, actorId("a"));
        const answers = await store.claim({
          sessionId: rival.id,
          actors: [actorId("a"), actorId("free")],
          maxRequestIds: 10,
        });
        expect(answers[0]).toEqual({
          kind: "owned",
          sessionId: owner.id,
          nodeName: "owner",
          address: "owner:7702",
        });
        expect(answers[1]?.kind).toBe("claimed");
        await save(store, owned, 0, "still mine");
      }));

    test("an ended lease gives the actor to the next claim and stops its owner", () =>
      withStore(subject, async (store) => {
        const brief = await openSession(store, "brief", 50);
        const old = await claim(store, brief.id, actorId("a"));
        const heir = await openSession(store, "heir");
        const won = await waitUntil("the lease has ended", async () => {
          const request = { sessionId: heir.id, actors: [actorId("a")], maxRequestIds: 1 };
          const [answer] = await store.claim(request);
          return answer?.kind === "claimed" ? answer : undefined;
        });
        expect(won.epoch).toBeGreaterThan(old.epoch);
        expect(await commit(store, brief.id, turn(old, 0, { change: set("late") }))).toEqual([
          "fenced",
        ]);
        expect(await store.sessions.renew(brief.id, 10_000)).toBe("fenced");
      }));

    test("a session that is not up claims nothing", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        await store.sessions.close(session.id);
        const request = { sessionId: session.id, actors: [actorId("a")], maxRequestIds: 1 };
        const refusal = { code: "state.fenced", outcome: "not_applied" };
        expect(await rejectionOf(store.claim(request))).toMatchObject(refusal);
        expect(await store.read(actorId("a"))).toBeUndefined();
      }));

    test("a storm of claims gives each epoch once", () =>
      withStore(subject, async (store) => {
        const session = await openSession(store);
        const storm = Array.from({ length: 200 }, () => claim(store, session.id, actorId("hot")));
        const epochs = (await Promise.all(storm)).map((claimed) => claimed.epoch);
        expect(new Set(epochs).size).toBe(200);
        expect(Math.max(...epochs)).toBe(200);
      }));

    test("rival sessions never hold one actor together", () =>
      withStore(subject, async (store) => {
        const sessions = await Promise.all(
          Array.from({ length: 20 }, (_, index) => openSession(store, `node-${index}`)),
        );
        const answers = await Promise.all(
          sessions.map(({ id }) =>
            store.claim({ sessionId: id, actors: [actorId("hot")], maxRequestIds: 1 }),
          ),
        );
        const kinds = answers.map(([answer]) => answer?.kind);
        expect(kinds.filter((kind) => kind === "claimed")).toHaveLength(1);
        expect(kinds.filter((kind) => kind === "owned")).toHaveLength(19);
      }));
  });
}

/** Letting go: epochs outlive releases and deletions. */
export function releaseTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: release`, () => {
    test("a released actor is free and keeps its epoch", () =>
      withStore(subject, async (store) => {
        const one = await openSession(store, "one");
        const two = await openSession(store, "two");
        const mine = await claim(store, one.id, actorId("a"));
        await save(store, mine, 0, "kept");
        await store.release(one.id, [{ actor: actorId("a"), epoch: mine.epoch }]);
        expect(await commit(store, one.id, turn(mine, 1, { change: set("late") }))).toEqual([
          "fenced",
        ]);
        const theirs = await claim(store, two.id, actorId("a"));
        expect(theirs.epoch).toBe(mine.epoch + 1);
        expect(theirs.revision).toBe(1);
        expect(theirs.state?.data).toEqual(new TextEncoder().encode("kept"));
      }));

    test("a stale release changes nothing", () =>
      withStore(subject, async (store) => {
        const one = await openSession(store, "one");
        const two = await openSession(store, "two");
        const old = await claim(store, one.id, actorId("a"));
        await claim(store, one.id, actorId("a"));
        await store.release(one.id, [{ actor: actorId("a"), epoch: old.epoch }]);
        await store.release(two.id, [{ actor: actorId("a"), epoch: old.epoch + 1 }]);
        await store.release(one.id, [{ actor: actorId("nobody"), epoch: 1 }]);
        const request = { sessionId: two.id, actors: [actorId("a")], maxRequestIds: 1 };
        expect((await store.claim(request))[0]?.kind).toBe("owned");
      }));
  });
}
