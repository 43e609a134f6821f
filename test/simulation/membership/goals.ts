import { by, each, type Figure, type GoalGroup, type GoalOptions } from "./figure.ts";
import { announce, bootstrap, detection, heal, idle, noFigures } from "./measure.ts";
import { mean, percentile } from "./statistics.ts";
import { egressGoals, fuzzGoals, lifeguardGoals, lossGoals } from "./trouble-goals.ts";

function idleGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const forMs = by(members, [1_200_000, 300_000, 20_000]) ?? 0;
  const runs = each({ members, seeds: Math.min(options.seeds, 3) }).map((one) => idle(one, forMs));
  const pick = (key: keyof (typeof runs)[number]): number => mean(runs.map((run) => run[key]));
  return [
    {
      goal: "G4",
      what: "packets when idle",
      value: pick("packetsPerNodeS"),
      unit: "/node/s",
      most: 2.1,
    },
    {
      goal: "G4",
      what: "bytes when idle, with IP and UDP",
      value: pick("bytesPerNodeS"),
      unit: "B/node/s",
      most: 130,
    },
    {
      goal: "G17b",
      what: "exchanges of views when idle",
      value: pick("streamBytesPerNodeS") / 1_000,
      unit: "kB/node/s",
      most: by(members, [0.25, 1, 6]),
    },
    { goal: "G5", what: "removals when idle", value: pick("removals"), unit: "", most: 0 },
    {
      goal: "G16",
      what: "speed when idle",
      value: pick("timesRealTime"),
      unit: "× real time",
      least: by(members, [1_000, 100, 5]) ?? 0,
    },
  ];
}

function detectionGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const one = noFigures();
  for (const run of each(options)) detection(run, 1, 0, one);
  const s = (values: readonly number[], share: number): number => percentile(values, share) / 1_000;
  return [
    {
      goal: "G1",
      what: "first suspicion, mean",
      value: mean(one.firstSuspectMs) / 1_000,
      unit: "s",
      most: by(members, [2.3, 2.5, 3]),
    },
    { goal: "G1", what: "first suspicion, p99", value: s(one.firstSuspectMs, 0.99), unit: "s" },
    {
      goal: "G2",
      what: "first dead, p50",
      value: s(one.firstDeadMs, 0.5),
      unit: "s",
      most: by(members, [10.8, 15, 20]),
    },
    {
      goal: "G2",
      what: "first dead, p99",
      value: s(one.firstDeadMs, 0.99),
      unit: "s",
      most: by(members, [15, 18.5, 24]),
    },
    { goal: "", what: "dead everywhere, p50", value: s(one.lastDeadMs, 0.5), unit: "s" },
    { goal: "", what: "dead everywhere, p99", value: s(one.lastDeadMs, 0.99), unit: "s" },
    {
      goal: "G3",
      what: "first dead to last observer, p50",
      value: s(one.spreadMs, 0.5),
      unit: "s",
    },
    {
      goal: "G3",
      what: "first dead to last observer, max",
      value: s(one.spreadMs, 1),
      unit: "s",
      most: by(members, [0.9, 1.2, 1.6]),
    },
    { goal: "", what: "deaths not seen by all", value: one.undetected, unit: "", most: 0 },
    { goal: "", what: "others removed", value: one.falseRemovals, unit: "", most: 0 },
  ];
}

function halfGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const half = noFigures();
  for (const run of each(options)) detection(run, Math.floor(members / 2), 0, half);
  const p99 = percentile(half.lastDeadMs, 0.99) / 1_000;
  return [
    {
      goal: "G11",
      what: "half crash: each dead everywhere, p99",
      value: p99,
      unit: "s",
      most: by(members, [30, 32]),
    },
    {
      goal: "G11",
      what: "half crash: deaths not seen by all",
      value: half.undetected,
      unit: "",
      most: 0,
    },
    {
      goal: "G11",
      what: "half crash: others removed",
      value: half.falseRemovals,
      unit: "",
      most: 0,
    },
  ];
}

function joinGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const runs = each({ members, seeds: Math.min(options.seeds, 5) }).map(bootstrap);
  const all = runs.flatMap(({ completeMs }) => completeMs.map((ms) => ms / 1_000));
  return [
    {
      goal: "G12",
      what: "all join in 1 s by one seed: complete, p50",
      value: percentile(all, 0.5),
      unit: "s",
    },
    {
      goal: "G12",
      what: "all join in 1 s by one seed: the last complete",
      value: percentile(all, 1),
      unit: "s",
      most: by(members, [3, 7, 10]),
    },
    {
      goal: "G12",
      what: "members that never were complete",
      value: members * runs.length - all.length,
      unit: "",
      most: 0,
    },
    {
      goal: "",
      what: "exchanges a member",
      value: mean(runs.map((run) => run.exchanges)) / members,
      unit: "",
    },
    {
      goal: "",
      what: "exchanged in all",
      value: mean(runs.map((run) => run.megabytes)),
      unit: "MB",
    },
  ];
}

function healGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const runs = each({ members, seeds: Math.min(options.seeds, 10) });
  const heals = runs.map((run) => heal(run) / 1_000);
  const heard = runs.flatMap((run) => announce(run).map((ms) => ms / 1_000));
  return [
    {
      goal: "G13",
      what: "two halves for 60 s: one view after the end, max",
      value: percentile(heals, 1),
      unit: "s",
      most: by(members, [15, 20]),
    },
    {
      goal: "G14",
      what: "new meta heard, p99",
      value: percentile(heard, 0.99),
      unit: "s",
      most: by(members, [1, 1.2, 1.6]),
    },
  ];
}

export const GOALS: readonly GoalGroup[] = [
  { name: "idle", measure: idleGoals },
  { name: "detection", measure: detectionGoals },
  { name: "half", measure: halfGoals },
  { name: "loss", measure: lossGoals },
  { name: "egress", measure: egressGoals },
  { name: "join", measure: joinGoals },
  { name: "heal", measure: healGoals },
  { name: "lifeguard", measure: lifeguardGoals },
  { name: "fuzz", measure: fuzzGoals },
];
