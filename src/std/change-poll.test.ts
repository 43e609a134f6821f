import { expect, test } from "bun:test";
import { ChangePoll } from "./change-poll.ts";

/** A poll whose timer is rung by hand. */
function setUp() {
  const state = { fingerprint: "a", changes: 0, ring: undefined as (() => void) | undefined };
  const poll = new ChangePoll({
    intervalMs: 1_000,
    setTimer: (_delayMs, callback) => {
      state.ring = callback;
      return () => {
        state.ring = undefined;
      };
    },
    fingerprint: async () => {
      if (state.fingerprint === "broken") throw new Error("cannot look");
      return state.fingerprint;
    },
    changed: async () => {
      state.changes += 1;
    },
  });
  const look = async () => {
    state.ring?.();
    for (let round = 0; round < 10; round += 1) await Promise.resolve();
  };
  return { state, poll, look };
}

test("a change counts once, after two looks that agree", async () => {
  const { state, poll, look } = setUp();
  poll.start("a");
  await look();
  state.fingerprint = "b";
  await look();
  expect(state.changes).toBe(0);
  await look();
  expect(state.changes).toBe(1);
  await look();
  expect(state.changes).toBe(1);
});

test("what keeps changing is not taken up, and a look in vain changes nothing", async () => {
  const { state, poll, look } = setUp();
  poll.start("a");
  for (const fingerprint of ["b", "c", "d", "broken", "broken", "a"]) {
    state.fingerprint = fingerprint;
    await look();
  }
  expect(state.changes).toBe(1);
  expect(state.ring).toBeDefined();
});

test("nothing is looked at after the stop", async () => {
  const { state, poll } = setUp();
  poll.start("a");
  poll.stop();
  expect(state.ring).toBeUndefined();
});
