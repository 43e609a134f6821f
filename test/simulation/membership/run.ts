import { parseArgs } from "node:util";
import { describeFailure, play } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "all" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    members: { type: "string" },
  },
});
const wanted = SCENARIOS.filter(
  ({ name }) => values.scenario === "all" || name === values.scenario,
);
for (const scenario of wanted) {
  for (let i = 0; i < Number(values.seeds); i += 1) {
    const seed = Number(values.seed) + i;
    const started = performance.now();
    const members = values.members === undefined ? {} : { members: Number(values.members) };
    const report = play(scenario, { seed, ...members });
    const ok = report.violations.length === 0 ? "ok" : "FAILED";
    console.log(
      `${scenario.name.padEnd(28)} ${String(seed).padStart(4)} ${ok.padEnd(7)} false ${report.falseRemovals} living ${report.livingRemovals} settled ${report.settledMs} pkt ${report.packetsPerNodeS.toFixed(1)} B ${report.bytesPerNodeS.toFixed(0)} sim ${report.simulatedMs} wall ${(performance.now() - started).toFixed(0)} refutes ${report.refutations}`,
    );
    if (ok !== "ok") console.log(describeFailure(report));
  }
}
