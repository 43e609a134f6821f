import { expect, test } from "bun:test";
import fc from "fast-check";
import { EMPTY_MAP, JSON_TYPE } from "../../domain/invocation.ts";
import type { HandoffOffer, ReceiverEffect, SenderEffect } from "./handoff-effects.ts";
import { HandoffReceiver } from "./handoff-receiver.ts";
import { HandoffSender } from "./handoff-sender.ts";

const ACTOR = { system: "test", type: "order", key: "k" };

/** The row of one actor, as a store keeps it. */
interface Row {
  owner: "old" | "new" | "other" | undefined;
  epoch: number;
  revision: number;
}

/**
 * Both sides of a handoff, a row, and a network that loses, delays and reorders messages. What is under
 * way is a list; the test chooses what of it happens next, or what goes wrong.
 */
class World {
  readonly row: Row = { owner: "old", epoch: 4, revision: 9 };
  readonly #sender = new HandoffSender(ACTOR, "old", "new", { answerMs: 5_000, warm: true });
  readonly #receiver = new HandoffReceiver("new", { wantedMs: 2_000, keepMs: 30_000 });
  readonly #underWay: (() => void)[] = [];
  #offers = 0;
  senderEnds = 0;
  receiverEnds = 0;
  activated: number | undefined;

  constructor() {
    this.#toSender({ kind: "begin" });
  }

  get idle(): boolean {
    return this.#underWay.length === 0;
  }

  /** Lets one thing that is under way happen, or, with `lost`, never happen. */
  next(pick: number, lost: boolean): void {
    const at = pick % Math.max(1, this.#underWay.length);
    const [event] = this.#underWay.splice(at, 1);
    if (!lost) event?.();
  }

  /** Another node claims the row between the two, and commits. */
  interfere(): void {
    if (this.row.owner !== undefined) return;
    this.row.owner = "other";
    this.row.epoch += 1;
    this.row.revision += 1;
  }

  letGo(): void {
    if (this.row.owner === "other") this.row.owner = undefined;
  }

  #toSender(input: Parameters<HandoffSender["step"]>[0]): void {
    for (const effect of this.#sender.step(input)) this.#performSender(effect);
  }

  #toReceiver(input: Parameters<HandoffReceiver["step"]>[0]): void {
    for (const effect of this.#receiver.step(input)) this.#performReceiver(effect);
  }

  #performSender(effect: SenderEffect): void {
    const { epoch, revision } = this.row;
    switch (effect.kind) {
      case "drain": {
        const state = { type: JSON_TYPE, data: Uint8Array.of(revision) };
        const held = { epoch, revision, state, tags: EMPTY_MAP };
        this.#underWay.push(() => this.#toSender({ kind: "drained", held }));
        return;
      }
      case "offer":
        this.#underWay.push(() => this.#offered(effect.offer));
        return;
      case "release":
        this.#underWay.push(() => {
          expect(effect.epoch).toBe(4);
          if (this.row.owner === "old") this.row.owner = undefined;
          this.#toSender({ kind: "released" });
        });
        return;
      case "announce":
        // Nobody is told to claim before the claim is released.
        expect(this.row.owner).not.toBe("old");
        this.#underWay.push(() => this.#toReceiver({ kind: "announced", epoch: effect.epoch }));
        return;
      case "schedule":
        this.#underWay.push(() => this.#toSender({ kind: "timer", token: effect.token }));
        return;
      case "ended":
        this.senderEnds += 1;
        return;
      case "hook":
        return;
    }
  }

  #offered(offer: HandoffOffer): void {
    this.#offers += 1;
    if (this.#offers === 1) this.#toReceiver({ kind: "offered", offer, refusal: undefined });
    this.#underWay.push(() => this.#toReceiver({ kind: "wanted" }));
  }

  #performReceiver(effect: ReceiverEffect): void {
    switch (effect.kind) {
      case "accept":
        this.#underWay.push(() => this.#toSender({ kind: "accepted" }));
        return;
      case "decline":
        this.#underWay.push(() => this.#toSender({ kind: "declined", reason: effect.reason }));
        return;
      case "claim":
        this.#underWay.push(() => this.#claim());
        return;
      case "activate":
        // What is run with is what the row says, wherever it came from.
        this.activated = effect.held?.revision ?? this.row.revision;
        expect(this.activated).toBe(this.row.revision);
        expect(this.row.owner).toBe("new");
        return;
      case "schedule":
        this.#underWay.push(() => this.#toReceiver({ kind: "timer", token: effect.token }));
        return;
      case "ended":
        this.receiverEnds += 1;
        return;
      case "hook":
        return;
    }
  }

  #claim(): void {
    if (this.row.owner !== undefined) return this.#toReceiver({ kind: "owned" });
    this.row.owner = "new";
    this.row.epoch += 1;
    const { epoch, revision } = this.row;
    this.#toReceiver({ kind: "claimed", epoch, revision });
  }
}

const steps = fc.array(
  fc.record({
    pick: fc.nat(9),
    what: fc.constantFrom("next", "next", "next", "lose", "interfere", "let go" as const),
  }),
  { maxLength: 40 },
);

test("whatever is lost, late or in the way, the state that runs is the row's", () => {
  let warm = 0;
  fc.assert(
    fc.property(steps, (chosen) => {
      const world = new World();
      for (const { pick, what } of chosen) {
        if (what === "interfere") world.interfere();
        else if (what === "let go") world.letGo();
        else world.next(pick, what === "lose");
      }
      // Time passes: whatever was not lost happens.
      for (let round = 0; round < 50 && !world.idle; round += 1) world.next(0, false);
      expect(world.senderEnds).toBeLessThanOrEqual(1);
      expect(world.receiverEnds).toBeLessThanOrEqual(1);
      if (world.activated === 9) warm += 1;
    }),
    { numRuns: 500 },
  );
  expect(warm).toBeGreaterThan(0);
});

test("without anything lost both sides end, and nobody holds the actor but the new owner", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 40 }), (picks) => {
      const world = new World();
      for (const pick of picks) world.next(pick, false);
      for (let round = 0; round < 50 && !world.idle; round += 1) world.next(0, false);
      expect([world.senderEnds, world.receiverEnds]).toEqual([1, 1]);
      expect(world.row.owner).not.toBe("old");
      if (world.activated !== undefined) expect(world.row.owner).toBe("new");
    }),
    { numRuns: 300 },
  );
});
