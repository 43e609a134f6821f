/**
 * The benchmarks: what the server costs per call, against something that was run in the same minute.
 *
 *   npm run bench -- [workload …] [--seconds 3] [--rounds 3] [--json] [--restate]
 *
 * `restate` installs that server with npm into the temporary folder, and `servers` starts PostgreSQL and
 * MariaDB, so these two only run when asked for.
 * Needs `dist/troupe` (npm run build). Without names every workload runs, one after another.
 */
import { parseArgs } from "node:util";
import type { BenchSettings } from "./support/bench-settings.ts";
import { machineText } from "./support/machine.ts";
import { formatReport, type Report } from "./support/report.ts";
import { coldActivation } from "./workloads/cold-activation.ts";
import { durable } from "./workloads/durable.ts";
import { hotActor } from "./workloads/hot-actor.ts";
import { memory } from "./workloads/memory.ts";
import { noop } from "./workloads/noop.ts";
import { restate } from "./workloads/restate.ts";
import { servers } from "./workloads/servers.ts";
import { startUp } from "./workloads/start-up.ts";
import { statestore } from "./workloads/statestore.ts";
import { variants } from "./workloads/variants.ts";

type Workload = (settings: BenchSettings) => Promise<Report | undefined>;

const WORKLOADS: Readonly<Record<string, Workload>> = {
  durable,
  "hot-actor": hotActor,
  variants,
  noop,
  statestore,
  "cold-activation": coldActivation,
  "start-up": startUp,
  memory,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    restate: { type: "boolean", default: false },
  },
});
const settings: BenchSettings = {
  runMs: Number(values.seconds) * 1000,
  rounds: Number(values.rounds),
};
const all = { ...WORKLOADS, restate, servers };
const usual = values.restate ? [...Object.keys(WORKLOADS), "restate"] : Object.keys(WORKLOADS);
const names = positionals.length > 0 ? positionals : usual;
const unknown = names.filter((name) => !Object.hasOwn(all, name));
if (unknown.length > 0) {
  console.error(`no workload ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);
  process.exit(64);
}
const machine = machineText();
if (!values.json)
  console.log(`${machine}; ${values.rounds} rounds of ${values.seconds} s, medians\n`);
for (const name of names) {
  const report = await (all as Readonly<Record<string, Workload>>)[name]?.(settings);
  if (report === undefined) continue;
  console.log(values.json ? JSON.stringify({ machine, ...report }) : formatReport(report));
}
process.exit(0);
