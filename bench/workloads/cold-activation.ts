import type { BenchSettings } from "../support/bench-settings.ts";
import type { Report, Row } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";
import { startTroupe } from "../support/start-troupe.ts";
import { durableFigures, durableLoad } from "./durable.ts";

/** First calls of actors that nobody has called before: claim, turn, commit. */
export async function coldActivation({ runMs, rounds }: BenchSettings): Promise<Report> {
  await using server = await startTroupe({ hosting: "in process" });
  const rows: Row[] = [];
  for (const connections of [64, 1]) {
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      const load = { keys: 0, connections, type: "small" };
      const sample = await runLoad(durableLoad(server.port, server.pids, runMs, load));
      samples.push(sample);
    }
    rows.push({
      name: `${connections} callers`,
      figures: durableFigures(samples),
    });
  }
  return {
    workload: "cold-activation",
    settings:
      "The first call of an actor, in process: every call makes one claim and one commit, each in a batch with those of other actors.",
    rows,
  };
}
