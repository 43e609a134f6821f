import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Prng } from "../../../test/support/prng.ts";
import type { SwimEvent } from "./effects.ts";
import { PacketWriter } from "./packet-writer.ts";
import { Swim } from "./swim.ts";
import { ACTOR_PROFILE, type SwimConfig } from "./swim-config.ts";
import { DEAD_PART, FRAME_MAGIC, LEFT_PART, PACKET_MAGIC, SUSPECT_PART } from "./wire.ts";
import { idOf } from "./wire-id.ts";

interface Statement {
  readonly kind: "alive" | "suspect" | "dead" | "left";
  readonly about: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly from: string;
}

const SUBJECTS = ["x", "y"] as const;
const statement: fc.Arbitrary<Statement> = fc.record({
  kind: fc.constantFrom<Statement["kind"]>("alive", "suspect", "dead", "left"),
  about: fc.constantFrom(...SUBJECTS),
  generation: fc.integer({ min: 1, max: 3 }),
  incarnation: fc.integer({ min: 1, max: 4 }),
  from: fc.constantFrom("p", "q", "r"),
});

/** A farewell is the last that a process says: its incarnation is the highest of the generation. */
const honest = statement.map((said) => (said.kind === "left" ? { ...said, incarnation: 4 } : said));

function coreOf(config: Partial<SwimConfig> = {}, seed = 1): Swim {
  const quiet = { probeIntervalMs: 1_000_000, syncIntervalMs: 1_000_000_000 };
  return new Swim(
    {
      config: { ...ACTOR_PROFILE, ...quiet, ...config },
      random: new Prng(seed),
      identity: {
        name: "self",
        address: "self:1",
        bootId: "0".repeat(16),
        generation: 1,
        meta: new Uint8Array(0),
      },
    },
    0,
  );
}

const PEER = { clusterHash: 0, sender: idOf("p"), generation: 1, incarnation: 1, digest: 0 };

function packetOf(statements: readonly Statement[]): Uint8Array {
  const writer = new PacketWriter(10_000);
  writer.begin(PACKET_MAGIC, PEER);
  for (const said of statements) {
    const { kind, about, generation, incarnation } = said;
    const tags = { suspect: SUSPECT_PART, dead: DEAD_PART, left: LEFT_PART };
    if (kind !== "alive") {
      writer.statement(tags[kind], idOf(about), { generation, incarnation }, idOf(said.from));
      continue;
    }
    writer.alive({
      name: about,
      address: `${about}:1`,
      bootId: generation.toString(16).padStart(16, "0"),
      generation,
      incarnation,
      wireMin: 1,
      wireMax: 1,
      // What a member announces is decided by when it announces it.
      meta: Uint8Array.from([generation, incarnation]),
    });
  }
  return writer.finish();
}

const tell = (swim: Swim, said: Statement): void => {
  swim.onPacket(0, "p:1", packetOf([said]));
};

/** What is held in the end: who is accused is dead unless he refutes, which nobody does here. */
function settled(swim: Swim): unknown {
  return SUBJECTS.map((name) => {
    const held = swim.member(name);
    if (held === undefined) return undefined;
    const { generation, incarnation, state, meta } = held;
    const isAlive = state === "alive";
    const end = state === "suspect" ? "dead" : state;
    return { generation, incarnation, end, meta: isAlive ? [...meta] : [] };
  });
}

describe("what a core holds", () => {
  test("does not depend on order, repetition and detours, once everybody was told everything", () => {
    fc.assert(
      fc.property(
        fc.array(honest, { maxLength: 14 }).chain((all) =>
          fc.record({
            all: fc.constant(all),
            some: fc.shuffledSubarray([...all, ...all]),
            other: fc.shuffledSubarray([...all, ...all]),
          }),
        ),
        fc.constantFrom(0, 3),
        ({ all, some, other }, corroborateIntervals) => {
          const ends = [some, other].map((heard) => {
            const swim = coreOf({ corroborateIntervals });
            for (const said of heard) tell(swim, said);
            // Anti-entropy repeats what is held until nothing changes any more.
            for (let before = ""; before !== JSON.stringify(settled(swim)); ) {
              before = JSON.stringify(settled(swim));
              for (const said of all) tell(swim, said);
            }
            return settled(swim);
          });
          expect(ends[0]).toEqual(ends[1]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("goes forward only: no statement that is known or older changes anything", () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 14 }), (all) => {
        const swim = coreOf();
        const highest = new Map<string, readonly [number, number]>();
        for (const said of all) {
          tell(swim, said);
          for (const name of SUBJECTS) {
            const held = swim.member(name);
            const [generation, incarnation] = highest.get(name) ?? [0, 0];
            if (held === undefined) continue;
            const isForward =
              held.generation > generation ||
              (held.generation === generation && held.incarnation >= incarnation);
            expect(isForward).toBe(true);
            highest.set(name, [held.generation, held.incarnation]);
          }
          const before = settled(swim);
          tell(swim, said);
          expect(settled(swim)).toEqual(before);
        }
      }),
    );
  });

  test("is never more than was said, and nobody comes back from a farewell in his generation", () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 20 }), (all) => {
        const swim = coreOf();
        for (const said of all) tell(swim, said);
        for (const name of SUBJECTS) {
          const held = swim.member(name);
          if (held === undefined) continue;
          const own = all.filter((said) => said.about === name);
          expect(
            own.some(
              (said) =>
                said.generation === held.generation && said.incarnation === held.incarnation,
            ),
          ).toBe(true);
        }
        const gone = new Set<string>();
        const fresh = coreOf();
        for (const said of all) {
          tell(fresh, said);
          const held = fresh.member(said.about);
          const life = `${said.about} ${held?.generation}`;
          if (held?.state === "left") gone.add(life);
          expect(gone.has(life) && held?.state !== "left").toBe(false);
        }
      }),
    );
  });

  test("is told as stories that make sense: join, anything, dead or left", () => {
    fc.assert(
      fc.property(
        fc.array(statement, { maxLength: 30 }),
        fc.constantFrom(0, 3),
        (all, corroborateIntervals) => {
          const swim = coreOf({ corroborateIntervals });
          const present = new Set<string>();
          const live = (): string[] =>
            swim.members().flatMap(({ name }) => (name === "self" ? [] : [name]));
          for (const said of all) {
            tell(swim, said);
            for (const effect of swim.take()) {
              if (effect.kind === "event") follow(effect.event, present);
            }
            expect(live().toSorted()).toEqual([...present].toSorted());
          }
        },
      ),
    );
  });
});

/** Goes on with the story of the event's subject; an event that cannot come next throws. */
function follow(event: SwimEvent, present: Set<string>): void {
  if (!("member" in event) || event.kind === "conflict") return;
  const { name } = event.member;
  expect(present.has(name)).toBe(event.kind !== "join");
  if (event.kind === "join") present.add(name);
  if (event.kind === "dead" || event.kind === "left") present.delete(name);
}

describe("whatever comes in", () => {
  const config = { probeIntervalMs: 1_000, tombstoneMs: 60_000, packetBytes: 800 };

  test("nothing throws, datagrams stay within their size, and tables run empty in silence", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 900 }),
      fc.array(statement, { maxLength: 12 }).map(packetOf),
      fc
        .tuple(fc.array(statement, { maxLength: 6 }).map(packetOf), fc.nat(), fc.nat(255))
        .map(([packet, at, byte]) => {
          const damaged = packet.slice();
          damaged[at % packet.length] = byte;
          return damaged;
        }),
      fc.uint8Array({ maxLength: 60 }).map((body) => Uint8Array.from([...packetOf([]), ...body])),
    );
    const step = fc.record({
      bytes,
      afterMs: fc.nat(700),
      as: fc.constantFrom("packet", "request", "answer", "none", "stall"),
      from: fc.constantFrom("p:1", "q:1", "x:1"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, seed) => {
        const swim = coreOf({ ...config, leaveTimeoutMs: 100 }, seed);
        swim.addSeeds(0, ["p:1", "q:1"]);
        let now = 0;
        let token = 0;
        for (const one of steps) {
          now += one.afterMs;
          const frame = Uint8Array.from([FRAME_MAGIC, ...one.bytes.slice(1)]);
          swim.onTick(now);
          if (one.as === "packet") swim.onPacket(now, one.from, one.bytes);
          if (one.as === "request") swim.onRequest(now, frame);
          if (one.as === "answer") swim.onAnswer(now, token, frame);
          if (one.as === "none") swim.onNoAnswer(now, token);
          if (one.as === "stall") swim.onStall(now, one.afterMs);
          for (const effect of swim.take()) {
            if (effect.kind === "send") expect(effect.bytes.length).toBeLessThanOrEqual(800);
            if (effect.kind === "exchange") token = effect.token;
          }
        }
        // Nobody answers any more: all that was pending ends, and everybody is given up.
        for (let tick = 0; tick < 20_000 && now < 600_000; tick += 1) {
          now = Math.max(now + 1, swim.nextDeadline());
          swim.onTick(now);
          swim.take();
        }
        const { live, suspected, relayed, spreading } = swim.gauges;
        expect({ live, suspected, relayed, spreading }).toEqual({
          live: 1,
          suspected: 0,
          relayed: 0,
          spreading: 0,
        });
        swim.leave(now);
        expect(swim.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 200 },
    );
  });

  test("a flood of the unknown leaves nothing behind", () => {
    const swim = coreOf();
    const writer = new PacketWriter(2_000);
    for (let i = 0; i < 10_000; i += 1) {
      writer.begin(PACKET_MAGIC, PEER);
      const at = { generation: 1, incarnation: 1 };
      writer.statement(DEAD_PART, { hi: i, lo: i * 7 }, at, idOf("p"));
      swim.onPacket(0, "p:1", writer.finish());
    }
    expect(swim.gauges).toMatchObject({ live: 1, tombstones: 0, spreading: 0 });
    expect(swim.drops).toEqual({ unknown: 10_000 });
  });

  test("a clock that goes back is not followed", () => {
    const swim = coreOf({ probeIntervalMs: 1_000 });
    tell(swim, { kind: "alive", about: "x", generation: 1, incarnation: 1, from: "p" });
    swim.onTick(5_000);
    const due = swim.nextDeadline();
    swim.onTick(10);
    expect(swim.nextDeadline()).toBe(due);
  });

  test("what the driver must not do is an error of its own", () => {
    expect(() => coreOf({ probeTimeoutMs: 2_000_000 })).toThrow("times out before it ends");
    expect(() => coreOf({ packetBytes: 600 })).toThrow("fits into a datagram");
    expect(() => coreOf({ frameBytes: 100_000 })).toThrow("fits into a frame");
    expect(() => coreOf({ gossipNodes: 1.5 })).toThrow("whole");
    expect(() => coreOf().setMeta(0, new Uint8Array(513))).toThrow("512");
  });
});
