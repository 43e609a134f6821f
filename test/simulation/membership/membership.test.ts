import { describe, expect, test } from "bun:test";
import { ACTOR_PROFILE } from "../../../src/core/swim/swim-config.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { drawnScenario } from "./drawn-scenario.ts";
import { loadPatchedSwim } from "./engine.ts";
import { detection, idle, noFigures, removals } from "./measure.ts";
import { fuzz } from "./fuzz.ts";
import { hunt, MUTANTS } from "./mutants.ts";
import { describeFailure, play, type ScenarioReport } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { percentile } from "./statistics.ts";
import { World } from "./world.ts";

const DRAWN_SEEDS = 100;

const failure = (report: ScenarioReport): string[] =>
  report.violations.length === 0 ? [] : [describeFailure(report)];

describe("a simulated cluster holds together", () => {
  test.each(SCENARIOS.map((scenario) => [scenario.about, scenario] as const))(
    "%s",
    (_, scenario) => {
      expect(failure(play(scenario, { seed: 1 }))).toEqual([]);
    },
  );

  test(`under ${DRAWN_SEEDS} drawn sets of faults, with 3 to 32 members`, () => {
    const seeds = Array.from({ length: DRAWN_SEEDS }, (_, i) => i + 1);
    const reports = seeds.map((seed) => play(drawnScenario(seed), { seed }));
    expect(reports.flatMap(failure)).toEqual([]);
    // The faults did bite.
    expect(reports.filter(({ livingRemovals }) => livingRemovals > 0).length).toBeGreaterThan(5);
    expect(reports.filter(({ refutations }) => refutations > 0).length).toBeGreaterThan(20);
    expect(new Set(reports.map(({ members }) => members)).size).toBeGreaterThan(20);
  }, 120_000);

  test("in the same way for the same seed, and in another for another", () => {
    const [first, again, other] = [7, 7, 8].map((seed) => play(drawnScenario(seed), { seed }));
    expect(first?.replayHash).toBe(again?.replayHash as string);
    expect(first?.replayHash).not.toBe(other?.replayHash as string);
    const storm = SCENARIOS.find(({ name }) => name === "join-storm");
    if (storm === undefined) return;
    const hashes = [1, 1].map((seed) => play(storm, { seed }).replayHash);
    expect(hashes[0]).toBe(hashes[1] as string);
  });
});

describe("the goals that are quick to measure", () => {
  test("an idle cluster sends two packets and 130 bytes per node and second, and removes nobody", () => {
    const one = idle({ members: 128, seed: 1 }, 30_000);
    expect(one.packetsPerNodeS).toBeLessThanOrEqual(2.1);
    expect(one.bytesPerNodeS).toBeLessThanOrEqual(130);
    expect(one.removals).toBe(0);
  });

  test("a crash among 128 is suspected, believed and known everywhere in time", () => {
    const figures = noFigures();
    for (let seed = 1; seed <= 10; seed += 1) detection({ members: 128, seed }, 1, 0, figures);
    expect(percentile(figures.firstSuspectMs, 1)).toBeLessThanOrEqual(6_000);
    expect(percentile(figures.firstDeadMs, 0.5)).toBeLessThanOrEqual(10_800);
    expect(percentile(figures.firstDeadMs, 1)).toBeLessThanOrEqual(15_000);
    expect(percentile(figures.spreadMs, 1)).toBeLessThanOrEqual(900);
    expect([figures.undetected, figures.falseRemovals]).toEqual([0, 0]);
  });

  test("one in a hundred that loses 80 % of what it sends removes nobody", () => {
    const faults = [
      { kind: "loss", direction: "out", rate: 0.8, atMs: 1_000, forMs: 60_000, members: [5] },
    ] as const;
    expect(removals({ members: 128, seed: 1 }, faults, 60_000).all).toBe(0);
  });
});

test("50,000 damaged datagrams throw nothing and stay within the bound of members", () => {
  const report = fuzz(1, 50_000);
  expect(report.taken).toBeGreaterThan(1_000);
  expect(report.largestMembers).toBeLessThanOrEqual(ACTOR_PROFILE.maxMembers);
});

describe("members of two versions", () => {
  test("are one cluster: what the older one does not know, it skips and passes on", async () => {
    using folder = tempDir();
    const newer = await loadPatchedSwim(
      [
        {
          file: "src/core/swim/packet-writer.ts",
          find: "    this.part(meta);\n",
          // A field behind the fields that are known.
          replace: "    this.part(meta);\n    this.u32(0xfeedface);\n",
        },
        {
          file: "src/core/swim/packet-writer.ts",
          find: "ALIVE_FIXED_BYTES + name.length",
          replace: "4 + ALIVE_FIXED_BYTES + name.length",
        },
        {
          file: "src/core/swim/packet-writer.ts",
          find: "  answer(tag: typeof ACK | typeof NACK, seq: number): void {\n",
          // A part of a kind that is not known, before one that is.
          replace:
            "  answer(tag: typeof ACK | typeof NACK, seq: number): void {\n    this.head(99, 1);\n    this.u8(1);\n",
        },
      ],
      folder.path,
    );
    const faults = [
      { kind: "start", atMs: 0, members: [0, 1, 2, 3, 4, 5, 6, 7], seeds: [0, 1] },
      { kind: "crash", atMs: 20_000, members: [2, 3] },
      { kind: "start", atMs: 40_000, members: [2, 3], seeds: [0, 1] },
    ] as const;
    const world = new World({ seed: 1, members: 8, formed: false, faults });
    for (const node of world.nodes) if (node.number % 2 === 1) node.engine = newer;
    world.run(15_000);
    expect(world.agrees).toBe(true);
    world.run(60_000);
    world.checkEnd();
    expect(world.allViolations()).toEqual([]);
    expect(world.observations.counts.get("dead")).toBeGreaterThan(0);
    const old = world.nodes[0]?.swim?.drops ?? {};
    expect(Object.keys(old)).toEqual(["kind"]);
    expect(ACTOR_PROFILE.packetBytes).toBe(1_400);
  });
});

describe("texts and simulation would notice", () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s",
    async (_, mutant) => {
      const { texts, runs } = await hunt(mutant, "until caught");
      expect(texts.length + runs.length).toBeGreaterThan(0);
    },
    120_000,
  );
});
