import type { BenchSettings } from "../support/bench-settings.ts";
import type { Report } from "../support/report.ts";
import { type DurableCase, runDurable } from "./durable.ts";

/** All callers call one actor: chained in one host frame, and one turn at a time. */
export async function hotActor(settings: BenchSettings): Promise<Report> {
  const load = { keys: 1 };
  const single = { LIMITS_CHAINED_TURNS: "1" };
  const cases: readonly DurableCase[] = [
    { name: "in process, chained", hosting: "in process", load },
    { name: "attached host, chained", hosting: "websocket", load },
    { name: "in process, one by one", hosting: "in process", settings: single, load },
    { name: "attached host, one by one", hosting: "websocket", settings: single, load },
  ];
  return {
    workload: "hot-actor",
    settings: "Durable increments of one actor of 1 KiB by 64 callers, otherwise as `durable`.",
    rows: await runDurable(cases, settings),
  };
}
