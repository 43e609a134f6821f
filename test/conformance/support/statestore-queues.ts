import { describe, expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import { waitUntil } from "../../support/wait-until.ts";
import {
  actorId,
  type Claimed,
  claim,
  commit,
  messageTo,
  openSession,
  type StatestoreSubject,
  scheduleOf,
  turn,
  withStore,
} from "./statestore-fixture.ts";

const HOLD_MS = 60_000;

function withOutbox(
  subject: StatestoreSubject,
  body: (
    store: Statestore,
    outbox: NonNullable<Statestore["outbox"]>,
    source: Claimed,
  ) => Promise<void>,
): Promise<void> {
  return withStore(subject, async (store) => {
    const { outbox } = store;
    if (outbox === undefined) return;
    const session = await openSession(store);
    await body(store, outbox, await claim(store, session.id, actorId("source")));
  });
}

/** Messages that leave with a turn. */
export function outboxTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: outbox`, () => {
    test("messages come whole, in order, and once while they are held", () =>
      withOutbox(subject, async (store, outbox, source) => {
        const target = actorId("target 😀");
        const messages = [0, 1, 2].map((index) => messageTo(target, 1, index));
        await commit(store, source.sessionId, turn(source, 0, { outbox: messages }));
        await commit(
          store,
          source.sessionId,
          turn(source, 1, { outbox: [messageTo(target, 2, 0)] }),
        );
        const taken = await outbox.due(source.sessionId, 3, HOLD_MS);
        expect(taken.map((row) => row.id)).toEqual(["1.1.0", "1.1.1", "1.1.2"]);
        expect(taken[0]).toMatchObject({ ...messages[0], source: source.actor, attempts: 0 });
        expect(await outbox.due(source.sessionId, 3, HOLD_MS)).toEqual([]);
        await outbox.ack(taken.map((row) => row.rowId));
        const rest = await outbox.due(source.sessionId, 3, HOLD_MS);
        expect(rest.map((row) => row.id)).toEqual(["1.2.0"]);
      }));

    test("a message that waits for its retry holds back those behind it, of its pair only", () =>
      withOutbox(subject, async (store, outbox, source) => {
        const [b, c] = [actorId("b"), actorId("c")];
        const messages = [messageTo(b, 1, 0), messageTo(b, 1, 1), messageTo(c, 1, 2)];
        await commit(store, source.sessionId, turn(source, 0, { outbox: messages }));
        const [first, second, third] = await outbox.due(source.sessionId, 10, 1);
        await outbox.retry(first?.rowId ?? 0, HOLD_MS, "unavailable");
        const again = await waitUntil("the hold of the third has ended", async () => {
          const rows = await outbox.due(source.sessionId, 10, HOLD_MS);
          return rows.length > 0 ? rows : undefined;
        });
        expect(again.map((row) => row.rowId)).toEqual([third?.rowId ?? 0]);
        await outbox.retry(first?.rowId ?? 0, 0, "unavailable");
        const retried = await waitUntil("the retry is due", async () => {
          const rows = await outbox.due(source.sessionId, 10, HOLD_MS);
          return rows.length > 0 ? rows : undefined;
        });
        expect(retried[0]).toMatchObject({ rowId: first?.rowId ?? 0, attempts: 1 });
        await outbox.ack([first?.rowId ?? 0]);
        const behind = await outbox.due(source.sessionId, 10, HOLD_MS);
        const order = [...retried, ...behind].map((row) => row.rowId);
        expect(order).toEqual([first?.rowId ?? 0, second?.rowId ?? 0]);
      }));

    test("a delayed message waits without holding back others", () =>
      withOutbox(subject, async (store, outbox, source) => {
        const target = actorId("b");
        const messages = [messageTo(target, 1, 0, HOLD_MS), messageTo(target, 1, 1)];
        await commit(store, source.sessionId, turn(source, 0, { outbox: messages }));
        const taken = await outbox.due(source.sessionId, 10, HOLD_MS);
        expect(taken.map((row) => row.index)).toEqual([1]);
      }));

    test("a dead letter is kept with its reason and lets the next message pass", () =>
      withOutbox(subject, async (store, outbox, source) => {
        const messages = [messageTo(actorId("b"), 1, 0), messageTo(actorId("b"), 1, 1)];
        await commit(store, source.sessionId, turn(source, 0, { outbox: messages }));
        const [first] = await outbox.due(source.sessionId, 1, HOLD_MS);
        await outbox.deadLetter(first?.rowId ?? 0, "no such action");
        const dead = await outbox.deadLetters(10);
        expect(dead).toHaveLength(1);
        expect(dead[0]).toMatchObject({ ...messages[0], reason: "no such action" });
        const next = await outbox.due(source.sessionId, 10, HOLD_MS);
        expect(next.map((row) => row.index)).toEqual([1]);
      }));

    test("a late acknowledgement never takes a newer message", () =>
      withOutbox(subject, async (store, outbox, source) => {
        const send = (revision: number) =>
          commit(
            store,
            source.sessionId,
            turn(source, revision - 1, { outbox: [messageTo(actorId("b"), revision, 0)] }),
          );
        await send(1);
        const old = await outbox.due(source.sessionId, 1, HOLD_MS);
        await outbox.ack(old.map((row) => row.rowId));
        await send(2);
        await outbox.ack(old.map((row) => row.rowId));
        expect(await outbox.due(source.sessionId, 1, HOLD_MS)).toHaveLength(1);
      }));
  });
}

function withSchedules(
  subject: StatestoreSubject,
  body: (
    store: Statestore,
    schedules: NonNullable<Statestore["schedules"]>,
    claimed: Claimed,
  ) => Promise<void>,
): Promise<void> {
  return withStore(subject, async (store) => {
    const { schedules } = store;
    if (schedules === undefined) return;
    const session = await openSession(store);
    await body(store, schedules, await claim(store, session.id, actorId("timed")));
  });
}

const YEAR_9999_MS = 253_370_764_800_000;

/** Durable timers. */
export function scheduleTests(subject: StatestoreSubject): void {
  describe(`${subject.name}: schedules`, () => {
    test("due ones come oldest first, once while they are held; others wait", () =>
      withSchedules(subject, async (store, schedules, claimed) => {
        const changes = [
          scheduleOf("second", 2_000),
          scheduleOf("first", 0),
          scheduleOf("far", YEAR_9999_MS),
        ];
        await commit(store, claimed.sessionId, turn(claimed, 0, { schedules: changes }));
        const due = await schedules.due(claimed.sessionId, 10, HOLD_MS);
        expect(due.map((row) => row.name)).toEqual(["first", "second"]);
        expect(due[0]).toMatchObject({ actor: claimed.actor, dueMs: 0, action: "tick" });
        expect(due[0]?.body).toEqual(new TextEncoder().encode("body first"));
        expect(await schedules.due(claimed.sessionId, 10, HOLD_MS)).toEqual([]);
        const listed = await schedules.list(claimed.actor);
        expect(listed.map((row) => row.name)).toEqual(["far", "first", "second"]);
      }));

    test("an acknowledgement moves or removes only what was seen", () =>
      withSchedules(subject, async (store, schedules, claimed) => {
        const changes = [scheduleOf("repeat", 1_000), scheduleOf("once", 2_000)];
        await commit(store, claimed.sessionId, turn(claimed, 0, { schedules: changes }));
        const due = await schedules.due(claimed.sessionId, 10, HOLD_MS);
        const [repeat, once] = due.map((row) => row.rowId);
        expect(await schedules.ack(repeat ?? 0, 999, 5_000)).toBe(false);
        expect(await schedules.ack(repeat ?? 0, 1_000, 5_000)).toBe(true);
        expect(await schedules.ack(once ?? 0, 2_000, undefined)).toBe(true);
        expect(await schedules.ack(once ?? 0, 2_000, undefined)).toBe(false);
        const again = await schedules.due(claimed.sessionId, 10, HOLD_MS);
        expect(again.map((row) => [row.name, row.dueMs])).toEqual([["repeat", 5_000]]);
      }));

    test("setting a name again replaces it, and a late acknowledgement leaves the new one", () =>
      withSchedules(subject, async (store, schedules, claimed) => {
        const set = (base: number) =>
          commit(
            store,
            claimed.sessionId,
            turn(claimed, base, { schedules: [scheduleOf("s", 1_000)] }),
          );
        await set(0);
        const [old] = await schedules.due(claimed.sessionId, 1, HOLD_MS);
        await set(1);
        expect(await schedules.ack(old?.rowId ?? 0, 1_000, undefined)).toBe(false);
        expect(await schedules.list(claimed.actor)).toHaveLength(1);
        const cancel = turn(claimed, 2, { schedules: [{ kind: "cancel", name: "s" }] });
        await commit(store, claimed.sessionId, cancel);
        expect(await schedules.list(claimed.actor)).toEqual([]);
        expect(await schedules.due(claimed.sessionId, 1, HOLD_MS)).toEqual([]);
      }));

    test("parallel takers never share a schedule", () =>
      withSchedules(subject, async (store, schedules, claimed) => {
        const changes = Array.from({ length: 40 }, (_, index) => scheduleOf(`s${index}`, index));
        await commit(store, claimed.sessionId, turn(claimed, 0, { schedules: changes }));
        const takers = Array.from({ length: 10 }, () =>
          schedules.due(claimed.sessionId, 7, HOLD_MS),
        );
        const taken = (await Promise.all(takers)).flat().map((row) => row.rowId);
        expect(taken).toHaveLength(40);
        expect(new Set(taken).size).toBe(40);
      }));
  });
}
