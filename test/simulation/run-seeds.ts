import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Marks } from "./marks.ts";
import { type SimOptions, type SimReport, simulate } from "./world.ts";

/** What a series of runs came to. */
export interface SeriesReport {
  readonly runs: number;
  readonly failed: readonly SimReport[];
  readonly invalid: readonly SimReport[];
  readonly marks: Marks;
  readonly operations: number;
  readonly acknowledged: number;
  readonly events: number;
}

/** How many runs apart the determinism is checked by a second run of the same seed. */
const TWICE_EVERY = 50;

/** The seeds that once failed. */
export function knownSeeds(): readonly number[] {
  const text = readFileSync(join(import.meta.dir, "seeds.txt"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => Number.parseInt(line, 10));
}

/** Runs every seed; every so often twice, and then both runs must have the same trace. */
export function runSeeds(
  seeds: readonly number[],
  options: Omit<SimOptions, "seed"> = {},
): SeriesReport {
  const failed: SimReport[] = [];
  const invalid: SimReport[] = [];
  const marks = new Marks();
  let operations = 0;
  let acknowledged = 0;
  let events = 0;
  seeds.forEach((seed, i) => {
    const report = simulate({ ...options, seed });
    marks.add(report.marks);
    operations += report.operations;
    acknowledged += report.acknowledged;
    events += report.events;
    if (report.violations.length > 0) failed.push(report);
    else if (report.invalid !== undefined) invalid.push(report);
    if (i % TWICE_EVERY !== 0) return;
    const again = simulate({ ...options, seed }).traceHash;
    if (again === report.traceHash) return;
    const message = `seed ${seed} ran in two ways: ${report.traceHash}, ${again}`;
    failed.push({ ...report, violations: [{ checker: "determinism", message }] });
  });
  return { runs: seeds.length, failed, invalid, marks, operations, acknowledged, events };
}

/** A failed run as people read it. */
export function describeFailure(report: SimReport): string {
  const violations = report.violations
    .slice(0, 10)
    .map((one) => `  ${one.checker}: ${one.message}`);
  return [
    `seed ${report.seed} failed (trace ${report.traceHash}, ${report.events} events)`,
    ...violations,
    `  again: npm run sim -- --seed ${report.seed} --seeds 1`,
  ].join("\n");
}
