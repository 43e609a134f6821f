import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { tempDir } from "../support/temp-dir.ts";
import { loadPatched } from "./engine.ts";
import { SOMETIMES } from "./marks.ts";
import { hunt, MUTANTS } from "./mutants.ts";
import { describeFailure, runSeeds } from "./run-seeds.ts";
import type { SimOptions } from "./world.ts";

/**
 * The simulation by command:
 *   npm run sim -- [--seed N] [--seeds K] [--events E] [--fault-ms MS] [--mutant NAME] [--mutants]
 * Runs K seeds from N on, or as many as make E events, and prints the end of the first failed run's
 * trace; `--mutants` hunts all of them and prints a table.
 */

const MUTANT_SEEDS = 200;
const BATCH = 100;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "500" },
    events: { type: "string", default: "0" },
    "fault-ms": { type: "string" },
    mutant: { type: "string" },
    mutants: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

async function huntAll(): Promise<boolean> {
  let escaped = 0;
  for (const mutant of MUTANTS) {
    const { seed, checkers } = await hunt(mutant, MUTANT_SEEDS);
    if (seed === undefined) escaped += 1;
    const fate = seed === undefined ? "ESCAPED" : `seed ${seed}`;
    print(`${mutant.name.padEnd(50)} ${fate.padEnd(10)} ${checkers.join(", ")}`);
  }
  print(`${MUTANTS.length - escaped} of ${MUTANTS.length} caught within ${MUTANT_SEEDS} seeds`);
  return escaped === 0;
}

function runSeries(
  first: number,
  count: number,
  leastEvents: number,
  options: Omit<SimOptions, "seed">,
): boolean {
  const started = performance.now();
  const marks = new Map<string, number>();
  let failures = 0;
  let invalid = 0;
  let acknowledged = 0;
  let events = 0;
  let runs = 0;
  while (leastEvents > 0 ? events < leastEvents : runs < count) {
    const from = first + runs;
    const length = leastEvents > 0 ? 1 : Math.min(BATCH, count - runs);
    runs += length;
    const seeds = Array.from({ length }, (_, i) => from + i);
    const series = runSeeds(seeds, options);
    for (const mark of SOMETIMES) {
      marks.set(mark, (marks.get(mark) ?? 0) + series.marks.count(mark));
    }
    for (const report of series.failed) {
      print(describeFailure(report));
      if (failures === 0) print(report.lastLines.map((line) => `  | ${line}`).join("\n"));
      failures += 1;
    }
    for (const report of series.invalid) print(`seed ${report.seed} INVALID: ${report.invalid}`);
    invalid += series.invalid.length;
    acknowledged += series.acknowledged;
    events += series.events;
  }
  for (const [mark, hits] of marks) print(`${mark.padEnd(34)} ${hits}`);
  const seconds = (performance.now() - started) / 1_000;
  print(
    `commit ${commit()}: ${runs} seeds from ${first}, ${acknowledged} acknowledged, ` +
      `${events} events in ${seconds.toFixed(1)} s: ${failures} failed, ${invalid} invalid`,
  );
  return failures === 0 && invalid === 0;
}

async function main(): Promise<boolean> {
  if (values.help) {
    print("npm run sim -- [--seed N] [--seeds K] [--events E] [--fault-ms MS]");
    print("            [--mutant NAME] [--mutants]");
    print(`mutants: ${MUTANTS.map(({ name }) => name).join(" | ")}`);
    return true;
  }
  if (values.mutants) return await huntAll();
  const faultMs = values["fault-ms"];
  const options = faultMs === undefined ? {} : { faultMs: Number(faultMs) };
  const [seed, seeds, least] = [values.seed, values.seeds, values.events].map(Number);
  if (seed === undefined || seeds === undefined || least === undefined) return false;
  if (values.mutant === undefined) return runSeries(seed, seeds, least, options);
  const mutant = MUTANTS.find(({ name }) => name === values.mutant);
  if (mutant === undefined) throw new Error(`no mutant is called ${values.mutant}; see --help`);
  using folder = tempDir();
  const engine = await loadPatched(mutant.patches, folder.path);
  const { wrapStore } = mutant;
  const wrap = wrapStore === undefined ? {} : { wrapStore };
  return runSeries(seed, seeds, least, { ...options, ...wrap, engine });
}

process.exitCode = (await main()) ? 0 : 1;
