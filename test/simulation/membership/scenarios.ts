import type { Fault } from "./faults.ts";
import { MORE_SCENARIOS } from "./more-scenarios.ts";
import { range, some } from "./pick.ts";
import type { Scenario } from "./scenario.ts";

/** Weather over a minute. */
const rain = (loss: number): readonly Fault[] => [
  { kind: "weather", atMs: 0, forMs: 60_000, weather: { loss } },
];

const split =
  (groups: number, forMs: number) =>
  (members: number): readonly Fault[] => [
    {
      kind: "partition",
      atMs: 2_000,
      forMs,
      groups: range(0, groups).map((group) =>
        range(0, members).filter((member) => member % groups === group),
      ),
    },
  ];

const crash =
  (share: number): Scenario["plan"] =>
  (members, random) => [
    {
      kind: "crash",
      atMs: 3_000,
      members: some(members, Math.max(1, Math.floor(members * share)), random),
    },
  ];

const CRASHES: readonly Scenario[] = [
  {
    name: "crash-one",
    about: "F1: one process dies; all others see it, nobody else is removed",
    members: 16,
    plan: crash(0),
    settleMs: 20_000,
    must: ["dead"],
  },
  {
    name: "crash-tenth",
    about: "F1: a tenth dies at once",
    members: 40,
    plan: crash(0.1),
    settleMs: 25_000,
    must: ["dead"],
  },
  {
    name: "crash-half",
    about: "F1: half of all dies at once",
    members: 32,
    plan: crash(0.5),
    settleMs: 45_000,
    must: ["dead"],
  },
];

const PAUSES: readonly Scenario[] = [
  {
    name: "pause-short",
    about: "F2: a quarter stands still for 2 s; nobody is removed, not even they",
    members: 16,
    plan: (members, random) => [
      {
        kind: "pause",
        of: "process",
        atMs: 3_000,
        forMs: 2_000,
        members: some(members, members / 4, random),
      },
    ],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "pause-together",
    about: "F2: everybody stands still for 5 s at once",
    members: 16,
    plan: (members) => [
      { kind: "pause", of: "process", atMs: 3_000, forMs: 5_000, members: range(0, members) },
    ],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "pause-long",
    about: "F2: one stands still for a minute; it is removed, and is back within 3 s",
    members: 16,
    plan: (members, random) => [
      {
        kind: "pause",
        of: "process",
        atMs: 3_000,
        forMs: 60_000,
        members: some(members, 1, random),
      },
    ],
    settleMs: 3_000,
    must: ["dead"],
  },
  {
    name: "blocked",
    about: "F3: a quarter can neither send nor receive again and again while its timers run",
    members: 16,
    plan: (members, random) => {
      const blocked = some(members, members / 4, random);
      return range(0, 4).map((round) => ({
        kind: "pause",
        of: "io",
        atMs: 3_000 + round * 9_000,
        forMs: 8_000,
        members: blocked,
      }));
    },
    settleMs: 20_000,
  },
];

const LOSSES: readonly Scenario[] = [
  {
    name: "loss-5",
    about: "F4: 5 % of all packets are lost for a minute",
    members: 16,
    plan: () => rain(0.05),
    settleMs: 20_000,
    mustNot: ["dead"],
  },
  {
    name: "loss-20",
    about: "F4: 20 % are lost",
    members: 16,
    plan: () => rain(0.2),
    settleMs: 30_000,
    falseRemovals: 8,
  },
  {
    name: "loss-50",
    about: "F4: half is lost; views are one again within 30 s of the end",
    members: 16,
    plan: () => rain(0.5),
    settleMs: 30_000,
    falseRemovals: 240,
  },
  {
    name: "egress-80",
    about: "F5: one member loses 80 % of what it sends, and removes nobody",
    members: 20,
    plan: (members, random) => [
      {
        kind: "loss",
        direction: "out",
        rate: 0.8,
        atMs: 2_000,
        forMs: 90_000,
        members: some(members, 1, random),
      },
    ],
    settleMs: 30_000,
  },
  {
    name: "ingress-100",
    about: "F5: one member hears nothing, though it is heard; it is removed, and nobody else",
    members: 20,
    plan: (members, random) => [
      {
        kind: "loss",
        direction: "in",
        rate: 1,
        atMs: 2_000,
        forMs: 60_000,
        members: some(members, 1, random),
      },
    ],
    settleMs: 30_000,
    must: ["dead"],
  },
  ...[20_000, 1_000, 200].map((everyMs): Scenario => {
    return {
      name: `flip-flop-${everyMs}`,
      about: `F6: one member is cut off and back again every ${everyMs} ms`,
      members: 12,
      plan: (members) =>
        range(0, Math.ceil(60_000 / (2 * everyMs))).map((round) => ({
          kind: "partition",
          atMs: 2_000 + 2 * round * everyMs,
          forMs: everyMs,
          groups: [[0], range(1, members - 1)],
        })),
      settleMs: 30_000,
    };
  }),
];

const PARTITIONS: readonly Scenario[] = [
  {
    name: "partition-10s",
    about: "F7: two halves for 10 s",
    members: 16,
    plan: split(2, 10_000),
    settleMs: 20_000,
  },
  {
    name: "partition-60s",
    about: "F7: two halves for a minute: each gives the other up, and both find back",
    members: 16,
    plan: split(2, 60_000),
    settleMs: 20_000,
    must: ["dead"],
  },
  {
    name: "partition-three",
    about: "F7: three parts for ten minutes",
    members: 12,
    plan: split(3, 600_000),
    settleMs: 40_000,
    must: ["dead"],
  },
  {
    name: "partition-one",
    about: "F7: one alone for two minutes",
    members: 12,
    plan: (members) => [
      { kind: "partition", atMs: 2_000, forMs: 120_000, groups: [[0], range(1, members - 1)] },
    ],
    settleMs: 40_000,
    must: ["dead"],
  },
  {
    name: "partition-past-tombstones",
    about:
      "F7: two halves for longer than anybody remembers the dead: the seeds bring them together",
    members: 8,
    config: { tombstoneMs: 240_000 },
    seeds: [0, 1, 2],
    plan: split(2, 600_000),
    settleMs: 60_000,
    must: ["dead"],
  },
  {
    name: "cut-pair",
    about: "F8: two members do not reach each other, but all others; nobody is removed",
    members: 12,
    plan: () => [
      {
        kind: "cut",
        atMs: 2_000,
        forMs: 90_000,
        links: [
          [0, 1],
          [1, 0],
        ],
      },
    ],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "cut-one-way",
    about: "F8: what one sends to another is lost, one way alone",
    members: 12,
    plan: () => [{ kind: "cut", atMs: 2_000, forMs: 90_000, links: [[0, 1]] }],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "star",
    about: "F8: members reach each other by way of one in the middle only",
    members: 7,
    plan: (members) => [
      {
        kind: "cut",
        atMs: 2_000,
        forMs: 60_000,
        links: range(1, members - 1).flatMap((from) =>
          range(1, members - 1)
            .filter((to) => to !== from)
            .map((to) => [from, to] as const),
        ),
      },
    ],
    settleMs: 20_000,
    mustNot: ["dead"],
  },
  {
    name: "ring",
    about: "F8: members reach their two neighbours only",
    members: 5,
    plan: (members) => [
      {
        kind: "cut",
        atMs: 2_000,
        forMs: 60_000,
        links: range(0, members).flatMap((from) =>
          range(0, members)
            .filter((to) => ![1, members - 1, 0].includes((to - from + members) % members))
            .map((to) => [from, to] as const),
        ),
      },
    ],
    settleMs: 20_000,
    mustNot: ["dead"],
  },
];

/** All that is played; each belongs to a row of the table in the folder of the scenario texts. */
export const SCENARIOS: readonly Scenario[] = [
  ...CRASHES,
  ...PAUSES,
  ...LOSSES,
  ...PARTITIONS,
  ...MORE_SCENARIOS,
];
