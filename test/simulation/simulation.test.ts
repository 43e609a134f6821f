import { describe, expect, test } from "bun:test";
import { NO_FAULTS } from "./fault-plan.ts";
import { describeFailure, knownSeeds, runSeeds } from "./run-seeds.ts";
import { simulate } from "./world.ts";

const SEEDS = 500;

describe("three nodes over one store, in virtual time", () => {
  test("keep every promise when nothing goes wrong", () => {
    const report = simulate({ seed: 1, plan: NO_FAULTS });
    expect(report.violations).toEqual([]);
    expect(report.invalid).toBeUndefined();
    const share = report.acknowledged / report.operations;
    expect(share).toBeGreaterThan(0.6);
  });

  test("keep every promise under the seeds that once broke one", () => {
    const { failed } = runSeeds(knownSeeds());
    expect(failed.map(describeFailure)).toEqual([]);
  });

  test(`keep every promise under ${SEEDS} drawn sets of faults, and all of these faults bite`, () => {
    const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
    const { failed, invalid, marks } = runSeeds(seeds);
    expect(failed.map(describeFailure)).toEqual([]);
    expect(invalid.map(({ seed, invalid: why }) => `${seed}: ${why}`)).toEqual([]);
    expect(marks.missing).toEqual([]);
  }, 300_000);

  test("run the same way for the same seed, and in another for another", () => {
    const hashes = [7, 7, 8].map((seed) => simulate({ seed }).traceHash);
    expect(hashes[0]).toBe(hashes[1] as string);
    expect(hashes[0]).not.toBe(hashes[2] as string);
  });
});
