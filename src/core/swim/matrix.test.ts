import { describe, expect, test } from "bun:test";
import { PacketWriter } from "./packet-writer.ts";
import { Swim } from "./swim.ts";
import { ACTOR_PROFILE } from "./swim-config.ts";
import { DEAD_PART, LEFT_PART, PACKET_MAGIC, SUSPECT_PART } from "./wire.ts";
import { idOf } from "./wire-id.ts";

type Kind = "alive" | "suspect" | "dead" | "left";

const KINDS: readonly Kind[] = ["alive", "suspect", "dead", "left"];
const TAGS = { suspect: SUSPECT_PART, dead: DEAD_PART, left: LEFT_PART };

/** Tells of member x; answers the kinds of events that come of it. */
function tell(swim: Swim, kind: Kind, generation: number, incarnation: number): string[] {
  const writer = new PacketWriter(1_400);
  const sender = idOf("p");
  writer.begin(PACKET_MAGIC, { clusterHash: 0, sender, generation: 1, incarnation: 1, digest: 0 });
  const at = { generation, incarnation };
  if (kind !== "alive") writer.statement(TAGS[kind], idOf("x"), at, sender);
  else {
    writer.alive({
      name: "x",
      address: "x:1",
      bootId: generation.toString(16).padStart(16, "0"),
      ...at,
      wireMin: 1,
      wireMax: 1,
      meta: new Uint8Array(0),
    });
  }
  swim.onPacket(0, "p:1", writer.finish());
  return swim.take().flatMap((effect) => (effect.kind === "event" ? [effect.event.kind] : []));
}

/** A core that holds x as said, in generation 5 and at incarnation 2. */
function holding(held: Kind | "unknown"): Swim {
  const random = { below: () => 0 };
  const identity = { name: "a", address: "a:1", bootId: "0".repeat(16), generation: 1 };
  // A death is believed at once here, so that one can be held.
  const config = { ...ACTOR_PROFILE, corroborateIntervals: held === "dead" ? 0 : 3 };
  const swim = new Swim({ config, random, identity: { ...identity, meta: new Uint8Array(0) } }, 0);
  if (held !== "unknown") tell(swim, "alive", 5, 2);
  if (held !== "unknown" && held !== "alive") tell(swim, held, 5, 2);
  return swim;
}

function outcome(swim: Swim, events: readonly string[]): string {
  const held = swim.member("x");
  const what = held === undefined ? "unknown" : `${held.state} ${held.incarnation}`;
  const generation = held === undefined || held.generation === 5 ? "" : ` g${held.generation}`;
  return [`${what}${generation}`, ...events].join(" ");
}

/** For each state that is held at incarnation 2 what comes of a statement at 1, 2 and 3. */
const SAME_GENERATION: Readonly<Record<Kind, Readonly<Record<Kind, readonly string[]>>>> = {
  alive: {
    alive: ["alive 2", "alive 2", "alive 3"],
    suspect: ["alive 2", "suspect 2 suspect", "suspect 3 suspect"],
    dead: ["alive 2", "suspect 2 suspect", "suspect 3 suspect"],
    left: ["alive 2", "left 2 left", "left 3 left"],
  },
  suspect: {
    alive: ["suspect 2", "suspect 2", "alive 3 refuted"],
    suspect: ["suspect 2", "suspect 2", "suspect 3"],
    dead: ["suspect 2", "suspect 2", "suspect 3"],
    left: ["suspect 2", "left 2 left", "left 3 left"],
  },
  dead: {
    alive: ["dead 2", "dead 2", "alive 3 join"],
    suspect: ["dead 2", "dead 2", "dead 3"],
    dead: ["dead 2", "dead 2", "dead 3"],
    left: ["dead 2", "left 2", "left 3"],
  },
  left: {
    alive: ["left 2", "left 2", "left 2"],
    suspect: ["left 2", "left 2", "left 2"],
    dead: ["left 2", "left 2", "left 2"],
    left: ["left 2", "left 2", "left 3"],
  },
};

/** The same for a statement at incarnation 1 of the next generation. */
const NEXT_GENERATION: Readonly<Record<Kind, Readonly<Record<Kind, string>>>> = {
  alive: {
    alive: "alive 1 g6 dead join",
    suspect: "alive 2",
    dead: "dead 1 g6 dead",
    left: "left 1 g6 left",
  },
  suspect: {
    alive: "alive 1 g6 dead join",
    suspect: "suspect 2",
    dead: "dead 1 g6 dead",
    left: "left 1 g6 left",
  },
  dead: { alive: "alive 1 g6 join", suspect: "dead 2", dead: "dead 1 g6", left: "left 1 g6" },
  left: { alive: "alive 1 g6 join", suspect: "left 2", dead: "dead 1 g6", left: "left 1 g6" },
};

describe.each([...KINDS])("a member that is held %s", (held) => {
  test.each([...KINDS])("and said to be %s, earlier, now and later", (said) => {
    const outcomes = [1, 2, 3].map((incarnation) => {
      const swim = holding(held);
      return outcome(swim, tell(swim, said, 5, incarnation));
    });
    expect(outcomes).toEqual([...SAME_GENERATION[held][said]]);
  });

  test.each([...KINDS])("and said to be %s in the next generation, and in the last", (said) => {
    const swim = holding(held);
    expect(outcome(swim, tell(swim, said, 6, 1))).toBe(NEXT_GENERATION[held][said]);
    const other = holding(held);
    expect(outcome(other, tell(other, said, 4, 9))).toBe(`${held} 2`);
  });
});

test("of a member that is not known only its own word counts", () => {
  const outcomes = KINDS.map((said) => {
    const swim = holding("unknown");
    return outcome(swim, tell(swim, said, 5, 1));
  });
  expect(outcomes).toEqual(["alive 1 join", "unknown", "unknown", "unknown"]);
});
