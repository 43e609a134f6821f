import { tempDir } from "../../support/temp-dir.ts";
import { loadPatchedSwim, type SwimEngine } from "./engine.ts";
import {
  announce,
  blocking,
  bootstrap,
  detection,
  flicker,
  heal,
  idle,
  type MeasureOptions,
  noFigures,
  type Removals,
  removals,
} from "./measure.ts";
import { MUTANTS } from "./mutants.ts";
import { range, some } from "./pick.ts";
import { seeded } from "./seeded.ts";
import { mean, percentile } from "./statistics.ts";

/** One line of the table: a goal, what it asks for and what came out. */
export interface Figure {
  readonly goal: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The most that is allowed; `undefined` where the figure is only told. */
  readonly most?: number | undefined;
  readonly least?: number;
}

/** How much is measured. */
export interface GoalOptions {
  readonly members: number;
  readonly seeds: number;
}

/** A group of goals that are measured together, under the name by which it is asked for. */
export interface GoalGroup {
  readonly name: string;
  readonly measure: (options: GoalOptions) => Promise<readonly Figure[]> | readonly Figure[];
}

/** A limit that depends on the size: the goals name three sizes. */
function by(members: number, limits: readonly [number, number?, number?]): number | undefined {
  if (members <= 128) return limits[0];
  return members <= 1_000 ? limits[1] : limits[2];
}

const each = ({ members, seeds }: GoalOptions): MeasureOptions[] =>
  range(1, seeds).map((seed) => ({ members, seed }));

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

function lossGoals(options: GoalOptions): readonly Figure[] {
  const limits = new Map([
    [0.05, [0, 0, 0]],
    [0.1, [4]],
    [0.2, [20]],
    [0.3, [80]],
  ] as const);
  return [...limits].flatMap(([loss, limit]): Figure[] => {
    const runs = each(options).map((run) =>
      removals(run, [{ kind: "weather", atMs: 0, forMs: 300_000, weather: { loss } }], 300_000),
    );
    const goal = loss < 0.06 ? "G5" : "G6";
    const what = `${loss * 100} % loss, 300 s`;
    const per = (key: "packetsPerNodeS" | "bytesPerNodeS"): number =>
      mean(runs.map((run) => run[key]));
    return [
      {
        goal,
        what: `${what}: false removals a run`,
        value: mean(runs.map(({ all }) => all)),
        unit: "pairs",
        most: by(options.members, [...limit] as [number, number?, number?]),
      },
      {
        goal: "",
        what: `${what}: refutations a run`,
        value: mean(runs.map((run) => run.refutations)),
        unit: "",
      },
      { goal: "", what: `${what}: packets`, value: per("packetsPerNodeS"), unit: "/node/s" },
      { goal: "", what: `${what}: bytes`, value: per("bytesPerNodeS") / 1_000, unit: "kB/node/s" },
    ];
  });
}

function egressGoals(options: GoalOptions): readonly Figure[] {
  const { members } = options;
  const runs = each(options).map((run) => {
    const bad = some(members, Math.max(1, Math.round(members / 100)), seeded(run.seed, "victims"));
    return removals(
      run,
      [{ kind: "loss", direction: "out", rate: 0.8, atMs: 2_000, forMs: 298_000, members: bad }],
      300_000,
    );
  });
  const flickers = each(options).map(flicker);
  const removedS = flickers.flatMap(({ removedMs }) => removedMs.map((ms) => ms / 1_000));
  return [
    {
      goal: "G9",
      what: "1 % lose 80 % of what they send, 300 s: healthy removed a run",
      value: mean(runs.map(({ all }) => all)),
      unit: "pairs",
      most: 0,
    },
    {
      goal: "G10",
      what: "1 % hear nothing 20 s in 40 s: first removal of each, max",
      value: percentile(removedS, 1),
      unit: "s",
      most: 25,
    },
    {
      goal: "G10",
      what: "the same: returns of one in 5 min, for placement to hold back",
      value: mean(flickers.map(({ returns }) => returns)) / Math.max(1, Math.round(members / 100)),
      unit: "",
    },
    {
      goal: "G10",
      what: "the same: healthy removed a run",
      value: mean(flickers.map((one) => one.falseRemovals)),
      unit: "pairs",
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

/** SWIM as it was before Lifeguard, and without what this core adds. */
async function plainSwim(folder: string): Promise<SwimEngine> {
  const off = ["no buddy", "dead uncorroborated", "nobody is told directly"];
  const patches = MUTANTS.filter(({ name }) => off.includes(name)).flatMap((one) => one.patches);
  return await loadPatchedSwim(patches, folder);
}

const LIFEGUARD_MS = 120_000;

async function lifeguardGoals(options: GoalOptions): Promise<readonly Figure[]> {
  using folder = tempDir();
  const engine = await plainSwim(folder.path);
  const { members } = options;
  const grid = [4, 16, 32].flatMap((count) =>
    [2_000, 8_000, 16_000, 33_000].flatMap((forMs) =>
      [64, 1_000, 16_000].map((pauseMs) => ({ count, forMs, pauseMs })),
    ),
  );
  const play = (plain: boolean): readonly Removals[] =>
    grid.map(({ count, forMs, pauseMs }, seed) => {
      const victims = some(members, Math.floor((count * members) / 128), seeded(seed, "victims"));
      const faults = blocking(victims, forMs, pauseMs, LIFEGUARD_MS);
      const common = { members, seed };
      return plain
        ? removals(
            { ...common, engine, config: { suspicionMult: 5, maxHealth: 0, suspicionMaxMult: 1 } },
            faults,
            LIFEGUARD_MS,
          )
        : removals({ ...common, config: { suspicionMult: 5 } }, faults, LIFEGUARD_MS);
    });
  const [off, on] = [play(true), play(false)];
  const sum = (runs: readonly Removals[], key: "all" | "atHealthy"): number =>
    runs.reduce((total, run) => total + run[key], 0);
  const [offAll, onAll] = [sum(off, "all"), sum(on, "all")];
  const [offHealthy, onHealthy] = [sum(off, "atHealthy"), sum(on, "atHealthy")];
  return [
    {
      goal: "",
      what: `${grid.length} runs of blocked members: removals by SWIM alone`,
      value: offAll,
      unit: "pairs",
    },
    { goal: "", what: "the same at healthy members", value: offHealthy, unit: "pairs" },
    { goal: "", what: "the same with Lifeguard and ours", value: onAll, unit: "pairs" },
    {
      goal: "G7",
      what: "share of removals left",
      value: (100 * onAll) / offAll,
      unit: "%",
      most: 1.53,
    },
    {
      goal: "G7",
      what: "share at healthy members left",
      value: (100 * onHealthy) / offHealthy,
      unit: "%",
      most: 1.89,
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
];

/** Whether a figure is what its goal asks for; `undefined` without a goal. */
export function isMet({ value, most, least }: Figure): boolean | undefined {
  if (most === undefined && least === undefined) return undefined;
  return value <= (most ?? Number.POSITIVE_INFINITY) && value >= (least ?? 0);
}
