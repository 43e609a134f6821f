import type { Fault } from "./faults.ts";
import { range, some } from "./pick.ts";
import type { Scenario } from "./scenario.ts";

/** All but the first begin within a second, and join by it. */
const storm = (members: number, seeds: readonly number[]): readonly Fault[] => [
  { kind: "start", atMs: 0, members: [0], seeds: [0] },
  ...range(1, members - 1).map(
    (member): Fault => ({
      kind: "start",
      atMs: 100 + Math.floor((900 * member) / members),
      members: [member],
      seeds,
    }),
  ),
];

const WEATHERS: readonly Scenario[] = [
  ...[50, 200, 600].map((baseMs): Scenario => {
    return {
      name: `latency-${baseMs}`,
      about: `F9: every packet takes ${baseMs} ms and a little`,
      members: 10,
      plan: () => [{ kind: "weather", atMs: 0, forMs: 60_000, weather: { baseMs, jitterMs: 10 } }],
      settleMs: 30_000,
      mustNot: ["dead"],
    };
  }),
  {
    name: "jitter",
    about: "F9: latency with a long tail, 50 ms in the mean",
    members: 16,
    plan: () => [
      { kind: "weather", atMs: 0, forMs: 60_000, weather: { jitterMs: 50, longTail: true } },
    ],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "duplicates",
    about: "F10: half of all packets come twice, half out of order",
    members: 16,
    plan: (members, random) => [
      {
        kind: "weather",
        atMs: 0,
        forMs: 60_000,
        weather: { duplicate: 0.5, reorder: 0.5, reorderMs: 150 },
      },
      { kind: "crash", atMs: 5_000, members: some(members, 1, random) },
    ],
    settleMs: 20_000,
    must: ["dead"],
  },
  {
    name: "replays",
    about: "F10: a fifth of all packets comes again within a minute, into later generations too",
    members: 12,
    plan: (members, random) => {
      const [flapping = 0] = some(members, 1, random);
      return [
        {
          kind: "weather",
          atMs: 0,
          forMs: 180_000,
          weather: { duplicate: 0.2, reorderMs: 60_000 },
        },
        ...range(0, 4).flatMap((round): Fault[] => [
          { kind: "crash", atMs: 10_000 + 40_000 * round, members: [flapping] },
          {
            kind: "start",
            atMs: 30_000 + 40_000 * round,
            members: [flapping],
            seeds: [(flapping + 1) % members],
          },
        ]),
      ];
    },
    settleMs: 90_000,
    must: ["dead", "join"],
  },
  {
    name: "streams-blocked",
    about: "F23: streams do not pass, datagrams do",
    members: 12,
    plan: () => [{ kind: "weather", atMs: 0, forMs: 60_000, weather: { streamsBlocked: true } }],
    settleMs: 10_000,
    mustNot: ["dead"],
  },
  {
    name: "datagrams-blocked",
    about: "F23: datagrams do not pass, streams do; nobody is removed, and it is told",
    members: 12,
    plan: () => [{ kind: "weather", atMs: 0, forMs: 60_000, weather: { datagramsBlocked: true } }],
    settleMs: 30_000,
    must: ["blocked"],
    mustNot: ["dead"],
  },
  {
    name: "drift",
    about: "F19: clocks run up to 5 % too fast or too slow",
    members: 12,
    drift: 0.05,
    plan: () => [{ kind: "crash", atMs: 60_000, members: [3] }],
    settleMs: 25_000,
    must: ["dead"],
  },
];

const RESTARTS: readonly Scenario[] = [
  {
    name: "flapping",
    about: "F13: one process crashes every second for two minutes; nobody else suffers",
    members: 12,
    plan: () =>
      range(0, 120).flatMap((second): Fault[] => [
        { kind: "crash", atMs: 2_000 + 1_000 * second, members: [0] },
        { kind: "start", atMs: 2_500 + 1_000 * second, members: [0], seeds: [1, 2] },
      ]),
    settleMs: 30_000,
    must: ["join"],
  },
  {
    name: "rolling-graceful",
    about: "F14: one after the other leaves and comes back",
    members: 12,
    plan: (members) =>
      range(0, members).flatMap((member): Fault[] => [
        { kind: "leave", atMs: 2_000 + 4_000 * member, members: [member] },
        {
          kind: "start",
          atMs: 5_000 + 4_000 * member,
          members: [member],
          seeds: range(1, 3).map((step) => (member + step) % members),
        },
      ]),
    settleMs: 15_000,
    must: ["left", "join"],
    mustNot: ["dead"],
  },
  {
    name: "rolling-crash",
    about: "F14: one after the other is killed and comes back two seconds later",
    members: 12,
    plan: (members) =>
      range(0, members).flatMap((member): Fault[] => [
        { kind: "crash", atMs: 2_000 + 4_000 * member, members: [member] },
        {
          kind: "start",
          atMs: 4_000 + 4_000 * member,
          members: [member],
          seeds: range(1, 3).map((step) => (member + step) % members),
        },
      ]),
    settleMs: 20_000,
    must: ["join"],
  },
  {
    name: "clone",
    about:
      "F15: a clone of a machine comes up with its name and generation; it is kept out, and told",
    members: 8,
    plan: (members) => [
      { kind: "crash", atMs: 0, members: [0] },
      { kind: "start", atMs: 30_000, members: [0], seeds: range(1, members - 1), as: 3 },
      { kind: "crash", atMs: 60_000, members: [0] },
    ],
    settleMs: 20_000,
    must: ["refused"],
  },
  {
    name: "moved",
    about:
      "F16: members come back at other addresses, after a crash, a farewell and inside a suspicion",
    members: 12,
    plan: (members) => {
      const seeds = range(6, members - 6);
      return [
        { kind: "crash", atMs: 2_000, members: [0] },
        { kind: "leave", atMs: 2_000, members: [1] },
        { kind: "crash", atMs: 8_000, members: [1, 2] },
        { kind: "start", atMs: 30_000, members: [0], addresses: ["x0:1"], seeds },
        { kind: "start", atMs: 9_000, members: [1], addresses: ["x1:1"], seeds },
        { kind: "start", atMs: 11_000, members: [2], addresses: ["x2:1"], seeds },
      ];
    },
    settleMs: 20_000,
    must: ["join", "left"],
  },
  {
    name: "power-loss",
    about: "F21: all die at once and come back together, at each other's addresses",
    members: 12,
    plan: (members) => [
      { kind: "crash", atMs: 5_000, members: range(0, members) },
      // First out of the way, then each to the next one's old place.
      { kind: "start", atMs: 8_000, members: [0], addresses: ["y:1"], seeds: [0] },
      ...range(1, members - 1).map(
        (member): Fault => ({
          kind: "start",
          atMs: 8_000,
          members: [member],
          addresses: [`m${member - 1}:7000`],
          seeds: [0, 1, 2],
        }),
      ),
    ],
    settleMs: 10_000,
    must: ["join"],
  },
  {
    name: "leave-races",
    about:
      "F28: farewells while being suspected, announced anew and in the same breath as coming back",
    members: 16,
    plan: (members) => {
      const seeds = range(8, members - 8);
      return [
        { kind: "loss", direction: "in", rate: 1, atMs: 2_000, forMs: 4_000, members: [0] },
        { kind: "leave", atMs: 5_000, members: [0] },
        { kind: "meta", atMs: 5_000, members: [1], text: "last words" },
        { kind: "leave", atMs: 5_000, members: [1, 2, 3] },
        { kind: "start", atMs: 5_001, members: [2], seeds },
        { kind: "crash", atMs: 5_100, members: [3] },
      ];
    },
    settleMs: 30_000,
    must: ["left"],
  },
];

const JOINS: readonly Scenario[] = [
  {
    name: "join-storm",
    about: "F20: all join within a second through one seed",
    members: 64,
    formed: false,
    plan: (members) => storm(members, [0]),
    settleMs: 8_000,
    must: ["join"],
    mustNot: ["dead"],
  },
  {
    name: "join-seed-dies",
    about: "F20: the first seed dies half-way",
    members: 32,
    formed: false,
    plan: (members) => [...storm(members, [0, 1, 2]), { kind: "crash", atMs: 500, members: [0] }],
    settleMs: 30_000,
    must: ["join"],
  },
  {
    name: "join-seed-late",
    about: "F20: the seeds come up five minutes after everybody else",
    members: 16,
    formed: false,
    plan: (members) => [
      { kind: "start", atMs: 0, members: range(1, members - 1), seeds: [0] },
      { kind: "start", atMs: 300_000, members: [0], seeds: [0] },
    ],
    settleMs: 75_000,
    must: ["join"],
  },
  {
    name: "islands",
    about: "F20: two clusters that know nothing of each other, until one member is told a seed",
    members: 16,
    formed: false,
    plan: (members) => [
      { kind: "start", atMs: 0, members: range(0, members / 2), seeds: [0] },
      {
        kind: "start",
        atMs: 0,
        members: range(members / 2, members / 2 - 1),
        seeds: [members / 2],
      },
      { kind: "start", atMs: 30_000, members: [members - 1], seeds: [0, members / 2] },
    ],
    settleMs: 15_000,
    must: ["join"],
    mustNot: ["dead"],
  },
  {
    name: "meta-storm",
    about: "F22: everybody announces anew every 100 ms for 20 s; a crash is seen all the same",
    members: 16,
    plan: (members) => [
      ...range(0, 200).map(
        (round): Fault => ({
          kind: "meta",
          atMs: 1_000 + 100 * round,
          members: range(0, members),
          text: `round ${round}`,
        }),
      ),
      { kind: "crash", atMs: 2_000, members: [5] },
    ],
    settleMs: 20_000,
    must: ["update", "dead"],
  },
];

const CORRELATED: readonly Scenario[] = [
  {
    name: "correlated",
    about: "F29: a rack is lost while a tenth of all packets is, and some stand still",
    members: 40,
    plan: (members, random) => [
      { kind: "weather", atMs: 0, forMs: 60_000, weather: { loss: 0.1 } },
      { kind: "crash", atMs: 5_000, members: range(0, Math.floor(members * 0.3)) },
      {
        kind: "pause",
        of: "process",
        atMs: 6_000,
        forMs: 3_000,
        members: some(members, Math.ceil(members * 0.05), random),
      },
    ],
    settleMs: 40_000,
    falseRemovals: 4,
    must: ["dead"],
  },
  {
    name: "swizzle",
    about: "F30: links of some members fail one by one, and come back in another order",
    members: 12,
    plan: (members, random) => {
      const clogged = some(members, Math.ceil(members / 3), random);
      return clogged.map((member, i): Fault => {
        const others = range(0, members).filter((other) => other !== member);
        const links = others.flatMap((other) => [
          [member, other] as const,
          [other, member] as const,
        ]);
        return {
          kind: "cut",
          atMs: 2_000 + 1_500 * i,
          forMs: 10_000 + random.below(40_000),
          links,
          members: [member],
        };
      });
    },
    settleMs: 25_000,
  },
];

/** Bad weather, restarts, joins, and all of it together. */
export const MORE_SCENARIOS: readonly Scenario[] = [
  ...WEATHERS,
  ...RESTARTS,
  ...JOINS,
  ...CORRELATED,
];
