import { parseArgs } from "node:util";
import { drawnScenario } from "./drawn-scenario.ts";
import { type Figure, isMet } from "./figure.ts";
import { GOALS } from "./goals.ts";
import { hunt, MUTANTS } from "./mutants.ts";
import { describeFailure, play, type Scenario, type ScenarioReport } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/**
 * The simulation of membership by command:
 *   node launcher.mjs bun test/simulation/membership/run.ts --scenario NAME
 *     [--members N] [--seed S] [--seeds K]
 * where NAME is a scenario of faults, `faults` for all of them, `drawn` for faults drawn from the
 * seed, a group of goals, `goals` for all groups, or `mutants`.
 */

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "faults" },
    members: { type: "string" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

const seeds = Number(values.seeds);
const first = Number(values.seed);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

function playOne(scenario: Scenario, seed: number): boolean {
  const members = values.members === undefined ? scenario.members : Number(values.members);
  const report = play(scenario, { seed, members });
  const fine = report.violations.length === 0;
  print(`${scenario.name.padEnd(26)} ${describeRun(report)} ${fine ? "ok" : "FAILED"}`);
  if (!fine) print(describeFailure(report));
  return fine;
}

function describeRun(report: ScenarioReport): string {
  const { seed, members, falseRemovals, livingRemovals, settledMs } = report;
  const columns = [
    `seed ${seed}`,
    `${members} members`,
    `${falseRemovals}/${livingRemovals} removed`,
    `one view after ${(settledMs / 1_000).toFixed(1)} s`,
    `${report.packetsPerNodeS.toFixed(1)} packets/node/s`,
    `replay ${report.replayHash}`,
  ];
  return columns.map((column) => column.padEnd(18)).join(" ");
}

function describeFigure(figure: Figure): string {
  const { goal, what, value, unit, most, least } = figure;
  const rounded = Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
  const limit = most === undefined ? (least === undefined ? "" : `≥ ${least}`) : `≤ ${most}`;
  const met = isMet(figure);
  const mark = met === undefined ? "" : met ? "met" : "MISSED";
  const shown = `${rounded} ${unit}`.padEnd(22);
  return `${goal.padEnd(5)} ${what.padEnd(66)} ${shown} ${limit.padEnd(10)} ${mark}`;
}

async function measureGoals(names: readonly string[]): Promise<boolean> {
  const members = Number(values.members ?? 128);
  let missed = 0;
  for (const group of GOALS.filter(({ name }) => names.includes(name))) {
    const started = performance.now();
    const figures = await group.measure({ members, seeds });
    const wallS = ((performance.now() - started) / 1_000).toFixed(1);
    print(`-- ${group.name}: ${members} members, ${seeds} seeds, ${wallS} s`);
    for (const figure of figures) {
      print(describeFigure(figure));
      if (isMet(figure) === false) missed += 1;
    }
  }
  print(
    `${missed} goals missed; peak memory ${Math.round(process.resourceUsage().maxRSS / 1_024)} MB`,
  );
  return missed === 0;
}

async function huntAll(): Promise<boolean> {
  let escaped = 0;
  for (const mutant of MUTANTS) {
    const { texts, runs } = await hunt(mutant);
    const isCaught = texts.length + runs.length > 0;
    if (!isCaught) escaped += 1;
    const byTexts = texts.length === 0 ? "" : `${texts.length} texts, e.g. ${texts[0]}`;
    const columns = [mutant.name.padEnd(54), (isCaught ? byTexts : "ESCAPED").padEnd(34)];
    print(`${columns.join("")}${runs.length === 0 ? "" : `simulation: ${runs[0]}`}`);
  }
  print(`${MUTANTS.length - escaped} of ${MUTANTS.length} caught`);
  return escaped === 0;
}

async function main(): Promise<boolean> {
  const name = values.scenario;
  const seedList = Array.from({ length: seeds }, (_, i) => first + i);
  const groups = GOALS.map((group) => group.name);
  if (values.help) {
    print("--scenario NAME [--members N] [--seed S] [--seeds K]");
    print(`goals: goals ${groups.join(" ")}`);
    print("others: faults drawn mutants");
    for (const scenario of SCENARIOS) print(`${scenario.name.padEnd(26)} ${scenario.about}`);
    return true;
  }
  if (name === "mutants") return await huntAll();
  if (name === "goals") return await measureGoals(groups);
  if (groups.includes(name)) return await measureGoals([name]);
  if (name === "drawn") {
    return seedList.map((seed) => playOne(drawnScenario(seed), seed)).every(Boolean);
  }
  const wanted = SCENARIOS.filter((one) => name === "faults" || one.name === name);
  if (wanted.length === 0) throw new Error(`no scenario is called ${name}; see --help`);
  return wanted.flatMap((one) => seedList.map((seed) => playOne(one, seed))).every(Boolean);
}

process.exitCode = (await main()) ? 0 : 1;
