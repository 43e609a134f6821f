import { describe, expect, test } from "bun:test";
import type { Effect } from "../../domain/effect.ts";
import {
  ANONYMOUS,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  JSON_TYPE,
  type Payload,
} from "../../domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import { checkedResult } from "./host-result.ts";
import type { RawOutcome, RawResult } from "./wire-result.ts";

const RULES = { limits: DEFAULT_LIMITS, stateType: JSON_TYPE };
const actor = { system: "default", type: "t", key: "k" };
const state: Payload = { type: JSON_TYPE, data: new Uint8Array([0x7b, 0x7d]) };

function invocation(turns: number, more: Partial<HostInvocation> = {}): HostInvocation {
  const call = {
    actor,
    action: "a",
    payload: EMPTY_PAYLOAD,
    requestId: "",
    metadata: EMPTY_MAP,
    caller: ANONYMOUS,
    chain: [],
    deadlineMs: 0,
    trace: undefined,
    hops: 0,
  };
  const all = Array.from({ length: turns }, (_, at) => ({
    turnId: at + 1,
    attempt: 1,
    invocation: call,
  }));
  return {
    id: 1,
    actor,
    state,
    revision: 3,
    epoch: 1,
    tags: { kept: "1", old: "2" },
    keepStates: false,
    turns: all,
    ...more,
  };
}

function outcome(turnId: number, more: Partial<RawOutcome> = {}): RawOutcome {
  return {
    turnId,
    reply: EMPTY_PAYLOAD,
    failure: undefined,
    changed: false,
    effects: [],
    fanOut: false,
    state: undefined,
    metadata: EMPTY_MAP,
    ...more,
  };
}

function raw(outcomes: RawOutcome[], more: Partial<RawResult> = {}): RawResult {
  return { id: 1, outcomes, state: undefined, tags: undefined, failure: undefined, ...more };
}

const reasonOf = (result: RawResult, of: HostInvocation = invocation(1)): string | undefined =>
  checkedResult(result, of, RULES).failure?.reason;

describe("checkedResult", () => {
  test("believes a consistent answer", () => {
    const found = checkedResult(
      raw([outcome(1, { changed: true })], { state }),
      invocation(1),
      RULES,
    );
    expect(found).toMatchObject({ failure: undefined, state, tags: undefined });
  });

  test("other turns than were given fail the invocation", () => {
    expect(reasonOf(raw([]))).toBe("HOST_REPLY_INVALID");
    expect(reasonOf(raw([outcome(2)]))).toBe("HOST_REPLY_INVALID");
    expect(reasonOf(raw([outcome(2), outcome(1)]), invocation(2))).toBe("HOST_REPLY_INVALID");
    expect(reasonOf(raw([outcome(1), outcome(2)]))).toBe("HOST_REPLY_INVALID");
  });

  test("a failure of the host is the host's, without a reason of ours", () => {
    const failure = { code: "boom", message: "it broke" };
    expect(checkedResult(raw([], { failure }), invocation(1), RULES).failure).toEqual(failure);
  });

  test("a reply above the limit fails its turn alone if it changed nothing", () => {
    const reply = { type: JSON_TYPE, data: new Uint8Array(DEFAULT_LIMITS.messageBytes + 1) };
    const found = checkedResult(
      raw([outcome(1, { reply }), outcome(2, { changed: true })], { state }),
      invocation(2),
      RULES,
    );
    expect(found.failure).toBeUndefined();
    expect(found.outcomes[0]?.failure?.reason).toBe("HOST_REPLY_TOO_LARGE");
    expect(found.outcomes[0]?.reply).toBe(EMPTY_PAYLOAD);
    expect(found.outcomes[1]?.failure).toBeUndefined();
  });

  test("and all turns if it changed the state, for the later ones ran on that", () => {
    const reply = { type: JSON_TYPE, data: new Uint8Array(DEFAULT_LIMITS.messageBytes + 1) };
    const found = raw([outcome(1, { reply, changed: true }), outcome(2)], { state });
    expect(reasonOf(found, invocation(2))).toBe("HOST_REPLY_TOO_LARGE");
  });

  test("too many effects send nothing", () => {
    const found = checkedResult(
      raw([outcome(1, { fanOut: true, effects: [{ kind: "checkpoint" }] })]),
      invocation(1),
      RULES,
    );
    expect(found.outcomes[0]).toMatchObject({ failure: { reason: "HOST_FANOUT" }, effects: [] });
  });

  test("a state of another type leaves the state as it was", () => {
    const other = { type: "type.googleapis.com/x", data: new Uint8Array([1]) };
    expect(reasonOf(raw([outcome(1, { changed: true })], { state: other }))).toBe(
      "STATE_TYPE_MISMATCH",
    );
    expect(reasonOf(raw([outcome(1)], { state: other }))).toBe("STATE_TYPE_MISMATCH");
    expect(reasonOf(raw([outcome(1, { changed: true, state: other })], { state }))).toBe(
      "STATE_TYPE_MISMATCH",
    );
  });

  test("a change without a state is refused, unless it changed tags or removed the state", () => {
    expect(reasonOf(raw([outcome(1, { changed: true })]))).toBe("HOST_STATE_MISSING");
    const tags = { set: { fresh: "3" }, remove: ["old"], replace: false };
    const tagged = checkedResult(
      raw([outcome(1, { changed: true })], { tags }),
      invocation(1),
      RULES,
    );
    expect([tagged.failure, tagged.state, tagged.tags]).toEqual([
      undefined,
      state,
      { kept: "1", fresh: "3" },
    ]);
    const effects: Effect[] = [{ kind: "delete", shred: false }];
    const removed = checkedResult(
      raw([outcome(1, { changed: true }), outcome(2, { effects })]),
      invocation(2),
      RULES,
    );
    expect([removed.failure, removed.state]).toEqual([undefined, undefined]);
  });

  test("a checkpoint without a state keeps the old one", () => {
    const found = checkedResult(
      raw([outcome(1, { effects: [{ kind: "checkpoint" }] })]),
      invocation(1),
      RULES,
    );
    expect([found.failure, found.state, found.outcomes[0]?.changed]).toEqual([
      undefined,
      state,
      false,
    ]);
  });

  test("replaced tags drop all others; too many are refused", () => {
    const replaced = { set: { a: "b" }, remove: [], replace: true };
    expect(
      checkedResult(
        raw([outcome(1, { changed: true })], { tags: replaced, state }),
        invocation(1),
        RULES,
      ).tags,
    ).toEqual({ a: "b" });
    const set = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`t${at}`, ""]));
    expect(
      reasonOf(
        raw([outcome(1, { changed: true })], { tags: { set, remove: [], replace: false }, state }),
      ),
    ).toBe("HOST_TAGS_INVALID");
  });

  test("tags that no turn changed are refused, not dropped, unless a revision is taken", () => {
    const tags = { set: { a: "b" }, remove: [], replace: false };
    expect(reasonOf(raw([outcome(1)], { tags }))).toBe("HOST_REPLY_INVALID");
    const effects: Effect[] = [{ kind: "checkpoint" }];
    expect(reasonOf(raw([outcome(1, { effects })], { tags }))).toBeUndefined();
  });

  test("states between turns that were asked for must be there", () => {
    const two = [outcome(1, { changed: true }), outcome(2, { changed: true })];
    expect(reasonOf(raw(two, { state }), invocation(2, { keepStates: true }))).toBe(
      "HOST_STATE_MISSING",
    );
    const tags = { set: { a: "b" }, remove: [], replace: false };
    expect(reasonOf(raw(two, { state, tags }), invocation(2, { keepStates: true }))).toBe(
      "HOST_STATE_MISSING",
    );
    const kept = [outcome(1, { changed: true, state }), outcome(2, { changed: true })];
    expect(reasonOf(raw(kept, { state }), invocation(2, { keepStates: true }))).toBeUndefined();
  });

  test("a failed turn that says it changed something fails all", () => {
    const failure = { code: "x", message: "y" };
    expect(reasonOf(raw([outcome(1, { failure, changed: true })], { state }))).toBe(
      "HOST_REPLY_INVALID",
    );
    const quiet = checkedResult(
      raw([outcome(1, { failure, effects: [{ kind: "checkpoint" }] })]),
      invocation(1),
      RULES,
    );
    expect(quiet.outcomes[0]).toMatchObject({ failure, effects: [] });
  });

  const target = { system: "default", type: "t", key: "k" };
  const send = {
    kind: "send",
    target,
    action: "a",
    payload: EMPTY_PAYLOAD,
    delayMs: 0,
    metadata: EMPTY_MAP,
    requestId: "",
  } as const;
  test.each<[string, Effect]>([
    ["no target", { kind: "forward", target: { system: "", type: "", key: "" }, action: "a" }],
    ["a bad type", { kind: "pipe", target: { ...target, type: "a/b" }, action: "a" }],
    ["a bad action", { kind: "pipe", target, action: "../x" }],
    ["a negative delay", { ...send, delayMs: -1 }],
    ["a long request id", { ...send, requestId: "x".repeat(200) }],
    [
      "a bad channel",
      { kind: "broadcast", channel: "", action: "", payload: EMPTY_PAYLOAD, metadata: EMPTY_MAP },
    ],
    [
      "a schedule in no time",
      {
        kind: "schedule",
        name: "n",
        action: "a",
        payload: EMPTY_PAYLOAD,
        when: { kind: "every", ms: 0 },
        missed: "skip",
      },
    ],
    [
      "an endless cron",
      {
        kind: "schedule",
        name: "n",
        action: "a",
        payload: EMPTY_PAYLOAD,
        when: { kind: "cron", cron: "*".repeat(999), timeZone: "" },
        missed: "skip",
      },
    ],
    ["a nameless cancel", { kind: "cancel", name: "" }],
  ])("an effect with %s is refused", (_, effect) => {
    const found = checkedResult(raw([outcome(1, { effects: [effect] })]), invocation(1), RULES);
    expect(found.outcomes[0]).toMatchObject({
      failure: { reason: "HOST_REPLY_INVALID" },
      effects: [],
    });
  });
});
