import { describe, expect, test } from "bun:test";
import { madeInvocation } from "../../test/support/made-call.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { isServerError, ServerError } from "../domain/error.ts";
import {
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  NEVER,
  type Reply,
} from "../domain/invocation.ts";
import { Forwarding } from "./forwarding.ts";

/** Who holds the actor by the store, and what each member believes. */
interface World {
  holder: string;
  readonly believes: Record<string, string | undefined>;
  readonly gone: Set<string>;
  /** Members in the order in which they were asked. */
  readonly asked: string[];
}

const reply = (by: string): Reply => ({
  payload: { ...EMPTY_PAYLOAD, type: by },
  revision: 1,
  durable: true,
  replayed: false,
  metadata: EMPTY_MAP,
});

function owned(owner: string): ServerError {
  return new ServerError("routing.not_owner", "owned", "not_started", { owner });
}

/** Members of a cluster in one process, each with the forwarding under test. */
function cluster(world: World, clock: ManualClock): Record<string, Forwarding> {
  const members: Record<string, Forwarding> = {};
  for (const self of Object.keys(world.believes)) {
    members[self] = new Forwarding({
      self,
      clock,
      random: { unit: () => 1, bytes: (length) => new Uint8Array(length) },
      ownerOf: () => world.believes[self],
      activeEpoch: () => undefined,
      local: {
        invoke: () => {
          world.asked.push(`${self} store`);
          return world.holder === self || world.holder === ""
            ? Promise.resolve(reply(self))
            : Promise.reject(owned(world.holder));
        },
      },
      peers: {
        invoke: (node, invocation, signal) => {
          world.asked.push(node);
          if (!world.gone.has(node)) return members[node]?.receive(invocation, signal) ?? lost();
          return lost();
        },
      },
    });
  }
  return members;
}

function lost(): Promise<Reply> {
  return Promise.reject(new ServerError("routing.unreachable", "gone", "not_started"));
}

function world(over: Partial<World> = {}): World {
  return { holder: "", believes: { a: "b", b: "b", c: "b" }, gone: new Set(), asked: [], ...over };
}

const call = (over: Partial<Invocation> = {}) => madeInvocation({ deadlineMs: 60_000, ...over });

/** What a promise came to, moving the clock until it does. */
async function settled(promise: Promise<Reply>, clock: ManualClock): Promise<Reply | ServerError> {
  let result: Reply | ServerError | undefined;
  promise.then(
    (value) => (result = value),
    (error: unknown) => {
      if (!isServerError(error)) throw error;
      result = error;
    },
  );
  for (let step = 0; step < 1_000 && result === undefined; step += 1) {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    clock.advance(10);
  }
  if (result === undefined) throw new Error("the call has no answer");
  return result;
}

describe("a call for an actor of another member", () => {
  test("goes there in one hop, and knows that it did", async () => {
    const clock = new ManualClock();
    const given = world();
    const { a } = cluster(given, clock);
    expect(await settled(a!.invoke(call(), NEVER), clock)).toEqual(reply("b"));
    expect(given.asked).toEqual(["b", "b store"]);
  });

  test("an actor that the store gives to a third is found there, and remembered", async () => {
    const clock = new ManualClock();
    const given = world({ holder: "c", believes: { a: "b", b: "b", c: "c" } });
    const { a } = cluster(given, clock);
    expect(await settled(a!.invoke(call(), NEVER), clock)).toEqual(reply("c"));
    expect(given.asked).toEqual(["b", "b store", "c", "c store"]);
    given.asked.length = 0;
    expect(await settled(a!.invoke(call(), NEVER), clock)).toEqual(reply("c"));
    expect(given.asked).toEqual(["c", "c store"]);
    a!.forget();
    given.asked.length = 0;
    await settled(a!.invoke(call(), NEVER), clock);
    expect(given.asked[0]).toBe("b");
  });

  test("members that send it in a circle are given time, not hops", async () => {
    const clock = new ManualClock();
    const given = world({ believes: { a: "b", b: "c", c: "b" } });
    const { a } = cluster(given, clock);
    const answer = settled(a!.invoke(call(), NEVER), clock);
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
    given.believes["b"] = "b";
    expect(await answer).toEqual(reply("b"));
    expect(clock.now()).toBeLessThan(1_000);
  });

  test("a member that is gone is asked again until another owns the actor", async () => {
    const clock = new ManualClock();
    const given = world({ gone: new Set(["b"]) });
    const { a } = cluster(given, clock);
    const answer = settled(a!.invoke(call(), NEVER), clock);
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    given.believes["a"] = "c";
    given.believes["c"] = "c";
    expect(await answer).toEqual(reply("c"));
  });

  test("patience ends before the caller's does, with a definite error", async () => {
    const clock = new ManualClock();
    const { a } = cluster(world({ gone: new Set(["b"]) }), clock);
    expect(await settled(a!.invoke(call(), NEVER), clock)).toMatchObject({
      code: "routing.unreachable",
      outcome: "not_started",
    });
    expect(clock.now()).toBeLessThan(4_000);
    const soon = call({ deadlineMs: clock.now() + 40 });
    const began = clock.now();
    await settled(a!.invoke(soon, NEVER), clock);
    expect(clock.now() - began).toBeLessThanOrEqual(40);
  });

  test("an answer that leaves the outcome open is never repeated", async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    const one = new Forwarding({
      self: "a",
      clock,
      random: { unit: () => 0, bytes: (length) => new Uint8Array(length) },
      ownerOf: () => "b",
      activeEpoch: () => undefined,
      local: { invoke: () => lost() },
      peers: {
        invoke: (node) => {
          asked.push(node);
          return Promise.reject(new ServerError("routing.unreachable", "lost", "unknown"));
        },
      },
    });
    expect(await settled(one.invoke(call(), NEVER), clock)).toMatchObject({ outcome: "unknown" });
    expect(asked).toEqual(["b"]);
  });
});
