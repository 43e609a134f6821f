import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { PeerChannel, Peers } from "../peers.ts";
import type { Logger } from "../ports.ts";
import { ServedTypes } from "./served-types.ts";

const silent = (): void => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
const QUIET_MS = 50;
const LEARN_MS = 300;

/** The exchange of one node whose peers are this test. */
class World {
  readonly clock = new ManualClock();
  readonly sent: { readonly node: string; readonly said: unknown }[] = [];
  readonly told: string[] = [];
  readonly known = new Set<string>();
  /** What the store has on record, to be learned. */
  recorded: readonly string[] = [];
  served: readonly string[] = [];
  changes = 0;
  link: (node: string, channel: PeerChannel) => void = silent;
  hear: (from: string, body: Uint8Array) => void = silent;
  readonly types: ServedTypes;

  constructor() {
    const peers: Peers = {
      invoke: () => Promise.reject(new Error("no calls here")),
      cast: (node, _channel, _topic, body) => {
        this.sent.push({ node, said: JSON.parse(new TextDecoder().decode(body)) });
        return true;
      },
      onMessage: (_topic, listener) => (this.hear = listener),
      onLink: (listener) => (this.link = listener),
      setMembers: silent,
      isLinked: () => true,
    };
    this.types = new ServedTypes({
      bootId: "own",
      peers,
      clock: this.clock,
      log,
      served: () => this.served,
      isKnown: (type) => this.known.has(type),
      learn: async () => this.recorded.forEach((type) => this.known.add(type)),
      ownChanged: () => (this.changes += 1),
      told: (node) => this.told.push(node),
    });
  }

  says(from: string, said: unknown): void {
    this.hear(from, new TextEncoder().encode(JSON.stringify(said)));
  }
}

describe("the actor types of members", () => {
  test("are told once after many changes, and to whoever is linked later", () => {
    const world = new World();
    world.types.setMembers(["b"]);
    const before = world.types.digest;
    world.served = ["default/x", "default/y"];
    for (let i = 0; i < 5; i += 1) world.types.touch();
    expect(world.sent).toEqual([]);
    world.clock.advance(QUIET_MS);
    const said = { boot: "own", types: ["default/x", "default/y"] };
    expect(world.sent).toEqual([{ node: "b", said }]);
    expect(world.changes).toBe(1);
    expect(world.types.digest).not.toEqual(before);
    world.link("c", "calls");
    world.link("c", "control");
    expect(world.sent.slice(1)).toEqual([{ node: "c", said }]);
    // Nothing is new, so nobody is told.
    world.types.touch();
    world.clock.advance(QUIET_MS);
    expect([world.sent.length, world.changes]).toEqual([2, 1]);
  });

  test("are those of the process that told them", () => {
    const world = new World();
    world.known.add("default/x");
    world.says("b", { boot: "1", types: ["default/x"] });
    expect(world.told).toEqual(["b"]);
    expect(world.types.of("b", "1")).toEqual(new Set(["default/x"]));
    expect(world.types.of("b", "2")).toBeUndefined();
    // One that was thought dead and is the same process need not tell them again.
    world.types.setMembers([]);
    expect(world.types.of("b", "1")).toEqual(new Set(["default/x"]));
  });

  test("that nobody here has heard of are learned, even if they are recorded late", async () => {
    const world = new World();
    world.says("b", { boot: "1", types: ["default/new"] });
    await Promise.resolve();
    expect(world.known.size).toBe(0);
    world.recorded = ["default/new"];
    for (let i = 0; i < 10 && world.known.size === 0; i += 1) {
      await Promise.resolve();
      world.clock.advance(LEARN_MS);
    }
    expect(world.known.has("default/new")).toBe(true);
  });

  test.each([["text"], [null], [{ boot: 1, types: [] }], [{ boot: "1", types: "x" }]])(
    "are not what is malformed: %j",
    (said) => {
      const world = new World();
      world.says("b", said);
      world.hear("b", Uint8Array.of(0xff, 0));
      expect([world.told, world.types.of("b", "1")]).toEqual([[], undefined]);
    },
  );
});
