import type { BenchSettings } from "../support/bench-settings.ts";
import type { Report } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";
import { startTroupe, type TroupeServer } from "../support/start-troupe.ts";
import { durableLoad } from "./durable.ts";

const MIB = 2 ** 20;
const ACTIVATIONS = 100_000;
const SETTLE_MS = 15_000;
const SETTLE_STEP_MS = 500;

/** The least memory that the process holds within some time of rest. */
async function settledBytes(server: TroupeServer): Promise<number> {
  let least = server.rssBytes;
  for (let waited = 0; waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
    least = Math.min(least, server.rssBytes);
  }
  return least;
}

/** Memory of a server that has nothing to do, and of one with many idle activations. */
export async function memory(_settings: BenchSettings): Promise<Report> {
  await using empty = await startTroupe({ hosting: "none" });
  await using server = await startTroupe({ hosting: "in process" });
  const idle = empty.rssBytes;
  const started = server.rssBytes;
  const call = (calls: number, keys: number): Promise<unknown> =>
    runLoad({
      ...durableLoad(server.port, server.pids, 0, { type: "small" }),
      warmMs: 0,
      calls,
      keys,
    });
  // What the traffic itself costs (compiled code, buffers, pages of the store) is there before.
  await call(ACTIVATIONS, 1_000);
  const warm = await settledBytes(server);
  await call(ACTIVATIONS, 0);
  const full = await settledBytes(server);
  await call(ACTIVATIONS, 0);
  const twice = await settledBytes(server);
  const each = (after: number, before: number): number => (after - before) / ACTIVATIONS;
  return {
    workload: "memory",
    settings: `RSS of the server; ${ACTIVATIONS.toLocaleString("en")} activations at a time with a state of 11 bytes, at rest. The first of them also fill the page cache of the store (32 MiB).`,
    rows: [
      { name: "idle, no actors", figures: { MiB: idle / MIB } },
      { name: "idle, actors in process", figures: { MiB: started / MIB } },
      { name: "after 100,000 calls of 1,000 actors", figures: { MiB: warm / MIB } },
      {
        name: "with 100,000 idle activations more",
        figures: { MiB: full / MIB, "bytes per activation": each(full, warm) },
      },
      {
        name: "with 200,000 idle activations more",
        figures: { MiB: twice / MIB, "bytes per activation": each(twice, full) },
      },
    ],
  };
}
