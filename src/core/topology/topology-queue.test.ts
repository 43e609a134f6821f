import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { madeMember } from "../../../test/support/made-topology.ts";
import type { TopologyEffect, TopologyInput, TopologyTimer } from "./topology-effects.ts";
import { TOPOLOGY_DEFAULTS } from "./topology-options.ts";
import { TopologyQueue } from "./topology-queue.ts";

interface Due {
  readonly atMs: number;
  readonly timer: TopologyTimer;
}

/** A node with its queue, that answers as a driver does and checks what it is asked. */
class Driven {
  readonly #queue = new TopologyQueue({
    ...TOPOLOGY_DEFAULTS,
    system: "test",
    self: madeMember("a"),
  });
  quorum: number;
  readonly #timers: Due[] = [];
  readonly alive = new Set(["a"]);
  readonly redistributed: { readonly process: string; readonly how: string }[] = [];
  nowMs = 0;
  #serves = false;
  #version = 0;
  #level = 0;
  #moving: number | undefined;
  #open: string[] = [];
  fenceAnswer: "fenced" | "held" | "none" = "fenced";

  constructor(quorum: number) {
    this.quorum = quorum;
    this.feed({ kind: "start", present: [], storeReachable: true });
  }

  get queue(): TopologyQueue {
    return this.#queue;
  }

  get serves(): boolean {
    return this.#serves;
  }

  feed(input: TopologyInput): void {
    for (const effect of this.#queue.step(input, this.nowMs)) this.#perform(effect);
  }

  /** Time passes, timers fire, redistributions end. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (let rounds = 0; rounds < 10_000; rounds += 1) {
      this.#timers.sort((x, y) => x.atMs - y.atMs);
      const [next] = this.#timers;
      if (next === undefined || next.atMs > end) break;
      this.#timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.feed({ kind: "timer", timer: next.timer });
    }
    this.nowMs = end;
  }

  finish(): void {
    if (this.#moving !== undefined) this.feed({ kind: "redistributed", token: this.#moving });
  }

  #perform(effect: TopologyEffect): void {
    switch (effect.kind) {
      case "schedule":
        expect(effect.afterMs).toBeGreaterThan(0);
        this.#timers.push({ atMs: this.nowMs + effect.afterMs, timer: effect.timer });
        return;
      case "topology": {
        const { version, members } = effect.topology;
        expect(version).toBe(this.#version + 1);
        this.#version = version;
        const ids = members.map(({ member }) => member.nodeId);
        expect([...ids].sort()).toEqual(ids);
        return;
      }
      case "evaluate": {
        const { alive, known, up, down, left } = effect.view;
        expect(new Set(alive)).toEqual(this.alive);
        expect(alive.every((nodeId) => known.includes(nodeId))).toBe(true);
        expect(up.every((nodeId) => alive.includes(nodeId))).toBe(true);
        expect([...down, ...left].some((nodeId) => alive.includes(nodeId))).toBe(false);
        const decision =
          alive.length >= this.quorum
            ? ({ kind: "serve" } as const)
            : ({ kind: "partitioned", reason: "too few" } as const);
        return this.feed({ kind: "decided", token: effect.token, decision });
      }
      case "serve":
      case "stop":
        expect(this.#serves).toBe(effect.kind === "stop" && this.#serves);
        this.#serves = effect.kind === "serve";
        return;
      case "fence":
        expect(this.#serves).toBe(true);
        if (this.fenceAnswer === "none") return;
        return this.feed({
          kind: "fenced",
          token: effect.token,
          nodeId: effect.member.nodeId,
          outcome: this.fenceAnswer,
        });
      case "redistribute":
        expect(this.#serves).toBe(true);
        this.#moving = effect.token;
        expect(effect.change.after.version).toBeGreaterThan(effect.change.before.version);
        for (const { member, how } of effect.change.gone) {
          this.redistributed.push({ process: member.bootId, how });
        }
        return;
      case "hook":
        return this.#hooked(effect.hook.name, JSON.stringify(effect.hook.payload));
      case "purge":
      case "sync":
        return;
    }
  }

  /** Whatever begins ends, and ends once. */
  #hooked(name: string, payload: string): void {
    if (name === "priority_state_updated") {
      expect(payload).toBe(`{"level":${10 - this.#level}}`);
      this.#level = 10 - this.#level;
    } else if (name.startsWith("pre_")) this.#open.push(name.slice(4) + payload);
    else if (name.startsWith("post_")) {
      expect(this.#open).toContain(name.slice(5) + payload);
      this.#open = this.#open.filter((each) => each !== name.slice(5) + payload);
    }
  }

  /** True if nothing that began is left open. */
  get closed(): boolean {
    return this.#open.length === 0 && this.#level === 0;
  }
}

type Event =
  | "up"
  | "restart"
  | "dead"
  | "left"
  | "suspect"
  | "cleared"
  | "wait"
  | "finish"
  | "store";

const events = fc.array(
  fc.record({
    node: fc.constantFrom("b", "c", "d", "e"),
    what: fc.constantFrom<Event>(
      "up",
      "up",
      "restart",
      "dead",
      "dead",
      "left",
      "suspect",
      "cleared",
      "wait",
      "wait",
      "finish",
      "store",
    ),
    ms: fc.nat(3_000),
    fence: fc.constantFrom("fenced", "fenced", "held", "none" as const),
  }),
  { maxLength: 60 },
);

interface Chosen {
  readonly node: string;
  readonly what: Event;
  readonly ms: number;
  readonly fence: Driven["fenceAnswer"];
}

/** Plays the events; what is true of the cluster is kept beside. */
function play(driven: Driven, chosen: readonly Chosen[]) {
  const boots = new Map<string, number>();
  const ended: string[] = [];
  const boot = (node: string): string => `${node}-${boots.get(node) ?? 0}`;
  for (const { node, what, ms, fence } of chosen) {
    driven.fenceAnswer = fence;
    const isAlive = driven.alive.has(node);
    if (what === "wait") driven.pass(ms);
    else if (what === "finish") driven.finish();
    else if (what === "store") driven.feed({ kind: "store", storeReachable: ms % 2 === 0 });
    else if (what === "up" || what === "restart") {
      if (what === "restart") {
        if (isAlive) ended.push(boot(node));
        boots.set(node, (boots.get(node) ?? 0) + 1);
      }
      driven.alive.add(node);
      const member = madeMember(node, { bootId: boot(node) });
      driven.feed({ kind: "up", member, aliveForMs: 0 });
    } else if (what === "dead" || what === "left") {
      driven.alive.delete(node);
      driven.feed({ kind: what, nodeId: node });
    } else driven.feed({ kind: what, nodeId: node });
  }
  return ended;
}

describe("whatever members do", () => {
  test("nothing is fenced or moved on a side that stopped, and what begins ends", () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 4 }), (chosen, quorum) => {
        const driven = new Driven(quorum);
        play(driven, chosen);
        driven.fenceAnswer = "fenced";
        driven.feed({ kind: "store", storeReachable: true });
        driven.pass(700_000);
        driven.finish();
        driven.pass(60_000);
        expect(driven.closed).toBe(true);
        expect(driven.serves).toBe(driven.alive.size >= quorum);
      }),
      { numRuns: 300 },
    );
  });

  test("a member that could not be fenced is left alone while this side has stopped", () => {
    const driven = new Driven(3);
    const up = (node: string) =>
      ({ node, what: "up", ms: 0, fence: "fenced" }) as const satisfies Chosen;
    const lost = [
      { node: "d", what: "dead", ms: 0, fence: "fenced" },
      { node: "b", what: "store", ms: 1, fence: "held" },
      { node: "b", what: "left", ms: 0, fence: "fenced" },
    ] as const;
    // Whatever is fenced from here on fails the expectation of the driver.
    play(driven, [up("e"), up("b"), up("d"), ...lost]);
    driven.fenceAnswer = "fenced";
    driven.pass(700_000);
    expect(driven.serves).toBe(false);
    // Serving again, it goes on with what is still held.
    play(driven, [up("b")]);
    driven.pass(700_000);
    expect(driven.redistributed).toContainEqual({ process: "d-0", how: "fenced" });
  });

  test("a side that serves again with nothing else to do goes on fencing", () => {
    const driven = new Driven(3);
    for (const node of ["b", "d", "e"]) {
      driven.alive.add(node);
      driven.feed({ kind: "up", member: madeMember(node), aliveForMs: 0 });
    }
    driven.fenceAnswer = "held";
    driven.alive.delete("d");
    driven.feed({ kind: "dead", nodeId: "d" });
    driven.pass(2_000);
    driven.finish();
    driven.quorum = 4;
    driven.feed({ kind: "reconsider" });
    expect(driven.serves).toBe(false);
    driven.fenceAnswer = "fenced";
    driven.pass(700_000);
    expect(driven.redistributed.map(({ how }) => how)).not.toContain("fenced");
    driven.quorum = 3;
    driven.feed({ kind: "reconsider" });
    driven.pass(700_000);
    expect(driven.redistributed.map(({ how }) => how)).toContain("fenced");
  });

  test("in the end the topology is who is there, all settled, and the queue is idle", () => {
    fc.assert(
      fc.property(events, (chosen) => {
        const driven = new Driven(1);
        play(driven, chosen);
        driven.fenceAnswer = "fenced";
        driven.feed({ kind: "store", storeReachable: true });
        driven.pass(700_000);
        driven.finish();
        driven.pass(60_000);
        const { members } = driven.queue.topology;
        expect(new Set(members.map(({ member }) => member.nodeId))).toEqual(driven.alive);
        expect(members.every(({ settled }) => settled)).toBe(true);
        expect(driven.queue.busy).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("the actors of every process that was replaced are redistributed", () => {
    fc.assert(
      fc.property(events, (chosen) => {
        const driven = new Driven(1);
        const ended = play(driven, chosen);
        driven.pass(60_000);
        const told = driven.redistributed.map(({ process }) => process);
        for (const process of ended) expect(told).toContain(process);
      }),
      { numRuns: 300 },
    );
  });
});

test("an answer before the start, or a second start, is a bug of the driver", () => {
  const options = { ...TOPOLOGY_DEFAULTS, system: "test", self: madeMember("a") };
  const queue = new TopologyQueue(options);
  expect(() => queue.step({ kind: "reconsider" }, 0)).toThrow("started once");
  const started = new TopologyQueue(options);
  started.step({ kind: "start", present: [], storeReachable: undefined }, 0);
  const again = { kind: "start", present: [], storeReachable: undefined } as const;
  expect(() => started.step(again, 0)).toThrow("started once");
});

test("the longest dead of many are forgotten", () => {
  const queue = new TopologyQueue({ ...TOPOLOGY_DEFAULTS, system: "test", self: madeMember("a") });
  let known: readonly string[] = [];
  const feed = (input: TopologyInput, nowMs: number): void => {
    for (const effect of queue.step(input, nowMs)) {
      if (effect.kind !== "evaluate") continue;
      known = effect.view.known;
      feed({ kind: "decided", token: effect.token, decision: { kind: "serve" } }, nowMs);
    }
  };
  feed({ kind: "start", present: [], storeReachable: undefined }, 0);
  for (let nth = 0; nth < 4_200; nth += 1) {
    feed({ kind: "up", member: madeMember(`n${nth}`), aliveForMs: 0 }, nth);
    feed({ kind: "dead", nodeId: `n${nth}` }, nth);
    feed({ kind: "reconsider" }, nth);
  }
  feed({ kind: "reconsider" }, 10_000);
  expect(known.length).toBe(4_097);
  expect(known).toContain("n4199");
  expect(known).not.toContain("n0");
});
