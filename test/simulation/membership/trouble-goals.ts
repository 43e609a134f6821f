import { tempDir } from "../../support/temp-dir.ts";
import { loadPatchedSwim, type SwimEngine } from "./engine.ts";
import { by, each, type Figure, type GoalOptions } from "./figure.ts";
import { fuzz } from "./fuzz.ts";
import {
  blocking,
  flicker,
  type MeasureOptions,
  type Removals,
  removals,
  threshold,
} from "./measure.ts";
import { MUTANTS } from "./mutants.ts";
import { range, some } from "./pick.ts";
import { seeded } from "./seeded.ts";
import { mean, percentile } from "./statistics.ts";

export function lossGoals(options: GoalOptions): readonly Figure[] {
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

export function egressGoals(options: GoalOptions): readonly Figure[] {
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

/** SWIM as it was before Lifeguard, and without what this core adds. */
async function plainSwim(folder: string): Promise<SwimEngine> {
  const off = ["no buddy", "dead uncorroborated", "nobody is told directly"];
  const patches = MUTANTS.filter(({ name }) => off.includes(name)).flatMap((one) => one.patches);
  return await loadPatchedSwim(patches, folder);
}

const LIFEGUARD_MS = 120_000;
const PLAIN = { suspicionMult: 5, maxHealth: 0, suspicionMaxMult: 1 } as const;
const GUARDED = { suspicionMult: 5 } as const;

/** Members that are blocked again and again while their timers run. */
function intervals(members: number, engine: SwimEngine): readonly Figure[] {
  const grid = [4, 16, 32].flatMap((count) =>
    [2_000, 8_000, 16_000, 33_000].flatMap((forMs) =>
      [64, 1_000, 16_000].map((pauseMs) => ({ count, forMs, pauseMs })),
    ),
  );
  const runs = (more: Pick<MeasureOptions, "engine" | "config">): readonly Removals[] =>
    grid.map(({ count, forMs, pauseMs }, seed) => {
      const victims = some(members, Math.floor((count * members) / 128), seeded(seed, "victims"));
      const faults = blocking(victims, forMs, pauseMs, LIFEGUARD_MS);
      return removals({ members, seed, ...more }, faults, LIFEGUARD_MS);
    });
  const [off, on] = [runs({ engine, config: PLAIN }), runs({ config: GUARDED })];
  const sum = (all: readonly Removals[], key: "all" | "atHealthy"): number =>
    all.reduce((total, run) => total + run[key], 0);
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
    { goal: "", what: "with Lifeguard and ours", value: onAll, unit: "pairs" },
    { goal: "", what: "the same at healthy members", value: onHealthy, unit: "pairs" },
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

/** Members that are blocked once, for long: what Lifeguard costs where they are to be removed. */
function thresholds(options: GoalOptions, engine: SwimEngine): readonly Figure[] {
  const { members } = options;
  const runs = (more: Pick<MeasureOptions, "engine" | "config">) =>
    [1, 4, 8, 16].flatMap((count) =>
      each(options).map((run) =>
        threshold({ ...run, ...more }, some(members, count, seeded(run.seed, "victims"))),
      ),
    );
  const [off, on] = [runs({ engine, config: PLAIN }), runs({ config: GUARDED })];
  const more = (of: (all: typeof off) => number): number => 100 * (of(on) / of(off) - 1);
  const at =
    (share: number) =>
    (all: typeof off): number =>
      percentile(
        all.flatMap(({ firstDeadMs }) => firstDeadMs),
        share,
      );
  const total =
    (key: "packets" | "bytes") =>
    (all: typeof off): number =>
      mean(all.map((run) => run[key]));
  return [
    {
      goal: "",
      what: "blocked for 33 s: first dead by SWIM alone, p50",
      value: at(0.5)(off) / 1_000,
      unit: "s",
    },
    {
      goal: "",
      what: "blocked for 33 s: first dead with Lifeguard and ours, p50",
      value: at(0.5)(on) / 1_000,
      unit: "s",
    },
    { goal: "G8", what: "first dead, p50: more", value: more(at(0.5)), unit: "%", most: 1 },
    { goal: "G8", what: "first dead, p99: more", value: more(at(0.99)), unit: "%", most: 7 },
    { goal: "G8", what: "datagrams: more", value: more(total("packets")), unit: "%", most: 12 },
    { goal: "G8", what: "bytes: more", value: more(total("bytes")), unit: "%", most: 0 },
  ];
}

export async function lifeguardGoals(options: GoalOptions): Promise<readonly Figure[]> {
  using folder = tempDir();
  const engine = await plainSwim(folder.path);
  return [...thresholds(options, engine), ...intervals(options.members, engine)];
}

/** A million packets for every three seeds; that none throws is the goal. */
export function fuzzGoals(options: GoalOptions): readonly Figure[] {
  const reports = range(1, options.seeds).map((seed) => fuzz(seed, 333_334));
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  return [
    {
      goal: "F11",
      what: "damaged packets, none of which threw",
      value: sum(reports.map((one) => one.packets)),
      unit: "",
      least: 1,
    },
    {
      goal: "F11",
      what: "of these not dropped as a whole",
      value: sum(reports.map((one) => one.taken)),
      unit: "",
    },
    {
      goal: "F11",
      what: "most members that they made up",
      value: percentile(
        reports.map((one) => one.largestMembers),
        1,
      ),
      unit: "",
      most: 1_024,
    },
    {
      goal: "F11",
      what: "packets taken in",
      value: mean(reports.map((one) => one.packetsPerS)),
      unit: "/s",
    },
  ];
}
