import type { Prng } from "../../support/prng.ts";
import type { Fault } from "./faults.ts";
import { range, some } from "./pick.ts";
import type { Scenario } from "./scenario.ts";
import { seeded } from "./seeded.ts";

const FAULTS_MS = 40_000;
const LEAST_MEMBERS = 3;
const MOST_MEMBERS = 32;

/** Swarm testing: which faults there are, when, whose and for how long is all drawn from the seed. */
export function drawnScenario(seed: number): Scenario {
  const random = seeded(seed, "drawn");
  const members = LEAST_MEMBERS + random.below(MOST_MEMBERS - LEAST_MEMBERS + 1);
  const kinds = range(0, 2 + random.below(5)).map(() => random.pick(KINDS));
  const faults = kinds.flatMap((kind) => kind(members, random));
  const isRough = faults.some(
    (fault) => fault.kind === "weather" && (fault.weather.loss ?? 0) > 0.05,
  );
  return {
    name: "drawn",
    about: "faults as the seed has them",
    members,
    seeds: [0, members - 1],
    config: random.below(4) === 0 ? { tombstoneMs: 60_000 } : {},
    drift: random.below(3) === 0 ? 0.03 : 0,
    plan: () => faults,
    settleMs: 150_000,
    falseRemovals: isRough ? Number.POSITIVE_INFINITY : 0,
  };
}

type Draw = (members: number, random: Prng) => readonly Fault[];

const when = (random: Prng): number => 1_000 + random.below(FAULTS_MS);
const forMs = (random: Prng): number => 100 + random.below(random.pick([1_000, 8_000, 60_000]));
const few = (members: number, random: Prng): number[] =>
  some(members, 1 + random.below(Math.ceil(members / 3)), random);

/** Brings members back, by seeds of which at least one may be up. */
function back(members: number, gone: readonly number[], random: Prng): Fault {
  return {
    kind: "start",
    atMs: when(random) + 20_000,
    members: gone,
    seeds: some(members, 3, random),
  };
}

const KINDS: readonly Draw[] = [
  (members, random) => {
    const gone = few(members, random);
    const crash: Fault = { kind: "crash", atMs: when(random), members: gone };
    return random.below(3) === 0 ? [crash] : [crash, back(members, gone, random)];
  },
  (members, random) => {
    const gone = few(members, random);
    return [{ kind: "leave", atMs: when(random), members: gone }, back(members, gone, random)];
  },
  (members, random) => [
    {
      kind: "pause",
      of: random.pick(["process", "io"] as const),
      atMs: when(random),
      forMs: forMs(random),
      members: few(members, random),
    },
  ],
  (members, random) => [
    {
      kind: "loss",
      direction: random.pick(["in", "out"] as const),
      rate: random.pick([0.3, 0.8, 1]),
      atMs: when(random),
      forMs: forMs(random),
      members: few(members, random),
    },
  ],
  (_, random) => [
    {
      kind: "weather",
      atMs: when(random),
      forMs: forMs(random),
      weather: {
        loss: random.pick([0, 0.02, 0.2, 0.5]),
        duplicate: random.pick([0, 0.3]),
        reorder: random.pick([0, 0.3]),
        reorderMs: random.pick([100, 2_000]),
        baseMs: random.pick([1, 20, 250]),
      },
    },
  ],
  (members, random) => {
    const part = few(members, random);
    const rest = range(0, members).filter((member) => !part.includes(member));
    return [{ kind: "partition", atMs: when(random), forMs: forMs(random), groups: [part, rest] }];
  },
  (members, random) => {
    const [from = 0, to = 1] = some(members, 2, random);
    const cut: Fault = {
      kind: "cut",
      atMs: when(random),
      forMs: forMs(random),
      links: [[from, to]],
      members: members < 5 ? [from, to] : [],
    };
    return [cut];
  },
  (members, random) => [
    {
      kind: "meta",
      atMs: when(random),
      members: few(members, random),
      text: `drawn ${random.below(1_000)}`,
    },
  ],
];
