import type { BenchSettings } from "../support/bench-settings.ts";
import { median, type Report, type Row } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";
import { startTroupe } from "../support/start-troupe.ts";
import { durableFigures, durableLoad } from "./durable.ts";

/** First calls of actors that nobody has called before: claim, turn, commit. */
export async function coldActivation({ runMs, rounds }: BenchSettings): Promise<Report> {
  await using server = await startTroupe({ hosting: "in process" });
  const rows: Row[] = [];
  for (const connections of [64, 1]) {
    const samples = [];
    const claims: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = await storeFigures(server);
      const load = { keys: 0, connections, type: "small" };
      const sample = await runLoad(durableLoad(server.port, server.pids, runMs, load));
      const after = await storeFigures(server);
      samples.push(sample);
      claims.push((after.claims - before.claims) / (after.activations - before.activations));
    }
    rows.push({
      name: `${connections} callers`,
      figures: { ...durableFigures(samples), "claims per activation": median(claims) },
    });
  }
  return {
    workload: "cold-activation",
    settings: "The first call of an actor, in process: every call activates one.",
    rows,
  };
}

async function storeFigures(server: {
  metric(name: string, label?: string): Promise<number>;
}): Promise<{ claims: number; activations: number }> {
  const claims = await server.metric("troupe_store_seconds_count", 'op="claim"');
  return { claims, activations: await server.metric("troupe_activation_total") };
}
