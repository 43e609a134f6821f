/**
 * Commits of a statestore on a server, next to what its driver alone does with the same statement.
 *
 *   bun bench/statestores/commits.ts [postgres …] [--seconds 3] [--rounds 3] [--turns 1,64,512]
 *
 * The server is the one that the tests use (`TROUPE_TEST_POSTGRES_URL`, …): run it under
 * test/services/services.ts. Store and driver take turns in every round; figures are medians.
 */
import { parseArgs } from "node:util";
import { machineText } from "../support/machine.ts";
import { formatReport, median, type Row } from "../support/report.ts";
import { runCeiling } from "./ceiling.ts";
import {
  claimActors,
  type LoadFigures,
  runLoad,
  STATE_BYTES,
  type TurnShape,
} from "./group-load.ts";
import { type BenchTarget, TARGETS } from "./targets.ts";

const SHAPES: readonly TurnShape[] = ["record", "tags"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    turns: { type: "string", default: "1,64,512" },
  },
});
const runMs = Number(values.seconds) * 1_000;
const rounds = Number(values.rounds);

async function measure(target: BenchTarget, turns: number, shape: TurnShape): Promise<Row> {
  const { sessionId, actors } = await claimActors(target.store, turns);
  const loads: LoadFigures[] = [];
  const ceilings: { readonly turnsPerSecond: number; readonly cpuUsPerTurn: number }[] = [];
  await runLoad(target.store, sessionId, actors, shape, runMs / 4);
  for (let round = 0; round < rounds; round += 1) {
    const load = await runLoad(target.store, sessionId, actors, shape, runMs);
    loads.push(load);
    ceilings.push(await runCeiling(target, sessionId, actors, shape, load.batchRows, runMs));
  }
  const of = (pick: (load: LoadFigures) => number): number => median(loads.map(pick));
  return {
    name: `${turns} turns, ${shape}`,
    figures: {
      "turns/s": of((load) => load.turnsPerSecond),
      "CPU us/turn": of((load) => load.cpuUsPerTurn),
      "rows/batch": of((load) => load.batchRows),
      "p50 ms": of((load) => load.p50Ms),
      "p99 ms": of((load) => load.p99Ms),
      "driver turns/s": median(ceilings.map((one) => one.turnsPerSecond)),
      "driver CPU us/turn": median(ceilings.map((one) => one.cpuUsPerTurn)),
      // Store and driver of one round met the same machine.
      "of the driver": median(
        loads.map((load, round) => load.turnsPerSecond / (ceilings[round]?.turnsPerSecond ?? 0)),
      ),
    },
  };
}

async function main(): Promise<number> {
  console.log(`${machineText()}\n`);
  const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
  for (const name of names) {
    const kind = TARGETS[name];
    const url = kind === undefined ? "" : (process.env[kind.variable] ?? "");
    if (kind === undefined || url === "") {
      console.error(kind === undefined ? `no server ${name}` : `${kind.variable} is not set`);
      return 64;
    }
    const target = await kind.open(url);
    try {
      const rows: Row[] = [];
      for (const shape of SHAPES) {
        for (const turns of values.turns.split(",")) {
          rows.push(await measure(target, Number(turns), shape));
        }
      }
      const settings = `${await target.store.describe()}; state ${STATE_BYTES} bytes and one recorded reply per turn`;
      console.log(formatReport({ workload: `commits to ${name}`, settings, rows }));
    } finally {
      await target.close();
    }
  }
  return 0;
}

process.exit(await main());
