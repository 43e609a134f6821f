import type { LoadOptions, LoadResult } from "../load/load-options.ts";
import type { BenchSettings } from "../support/bench-settings.ts";
import { median, type Report } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";
import { installRestate, startRestate } from "../support/start-restate.ts";
import { startTroupe } from "../support/start-troupe.ts";
import { durableFigures, durableLoad } from "./durable.ts";

const TUNED = { RESTATE_DEFAULT_NUM_PARTITIONS: "2", RESTATE_DEFAULT_JOURNAL_RETENTION: "0s" };

interface Contender {
  readonly name: string;
  readonly server: { readonly port: number; readonly pids: readonly number[] };
  readonly load: Partial<LoadOptions>;
}

const rate = ({ calls, elapsedMs }: LoadResult): number => (calls * 1000) / elapsedMs;

/** The same durable increment by Restate and by this server, in turn. */
export async function restate({ runMs, rounds }: BenchSettings): Promise<Report> {
  const folder = installRestate();
  await using stack = new AsyncDisposableStack();
  const calls = { wire: "restate" } as const;
  const contenders: readonly Contender[] = [
    { name: "Restate, defaults", server: stack.use(await startRestate(folder, {})), load: calls },
    { name: "Restate, tuned", server: stack.use(await startRestate(folder, TUNED)), load: calls },
    {
      name: "Troupe, attached host",
      server: stack.use(await startTroupe({ hosting: "websocket" })),
      load: {},
    },
    {
      name: "Troupe, in process",
      server: stack.use(await startTroupe({ hosting: "in process" })),
      load: {},
    },
  ];
  const samples = contenders.map((): LoadResult[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { server, load }] of contenders.entries()) {
      samples[index]?.push(await runLoad(durableLoad(server.port, server.pids, runMs, load)));
    }
  }
  const rates = samples.map((own) => median(own.map(rate)));
  const [byDefault = 1, tuned = 1] = rates;
  return {
    workload: "restate",
    settings:
      "Durable increment, 1,000 actors of 1 KiB, 64 callers, JSON over HTTP/1.1, in turn. Tuned: two partitions, no retention of journals. Its service runs on Bun, as the attached host does.",
    rows: contenders.map(({ name }, index) => ({
      name,
      figures: {
        ...durableFigures(samples[index] ?? []),
        "× defaults": (rates[index] ?? 0) / byDefault,
        "× tuned": (rates[index] ?? 0) / tuned,
      },
    })),
  };
}
