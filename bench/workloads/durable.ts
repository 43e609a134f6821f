import type { LoadOptions, LoadResult } from "../load/load-options.ts";
import type { BenchSettings } from "../support/bench-settings.ts";
import { median, type Report, type Row } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";
import { type Hosting, startTroupe, type TroupeServer } from "../support/start-troupe.ts";

/** One way to run durable increments. */
export interface DurableCase {
  readonly name: string;
  readonly hosting: Hosting;
  readonly settings?: Readonly<Record<string, string>>;
  readonly load: Partial<LoadOptions>;
}

const WARM_MS = 1_500;

/** Durable increments over JSON and HTTP/1.1 unless the case says otherwise. */
export function durableLoad(
  port: number,
  pids: readonly number[],
  runMs: number,
  load: Partial<LoadOptions>,
): LoadOptions {
  return {
    port,
    wire: "json-route",
    http: 1,
    connections: 64,
    inFlight: 1,
    warmMs: WARM_MS,
    runMs,
    type: "bench",
    action: "add",
    prefix: `${process.pid}-${performance.now().toFixed(0)}-`,
    keys: 1_000,
    check: "count",
    calls: 0,
    pids,
    ...load,
  };
}

interface Sample extends LoadResult {
  readonly commits: number;
}

/** What the runs of one case came to. */
export function durableFigures(samples: readonly LoadResult[]): Row["figures"] {
  const of = (read: (sample: LoadResult) => number): number => median(samples.map(read));
  const host = samples.every(({ cpuMs }) => cpuMs.length > 1)
    ? { "host CPU ms": of((one) => (one.cpuMs[1] ?? 0) / one.calls) }
    : {};
  return {
    "calls/s": of((one) => (one.calls * 1000) / one.elapsedMs),
    "p50 ms": of((one) => one.p50Ms),
    "p99 ms": of((one) => one.p99Ms),
    "server CPU ms": of((one) => (one.cpuMs[0] ?? 0) / one.calls),
    "main thread ms": of((one) => one.mainCpuMs / one.calls),
    ...host,
    "load CPU ms": of((one) => one.ownCpuMs / one.calls),
  };
}

/** Runs every case in turn, round by round, each on a server of its own. */
export async function runDurable(
  cases: readonly DurableCase[],
  { runMs, rounds }: BenchSettings,
): Promise<readonly Row[]> {
  const servers: TroupeServer[] = [];
  await using stack = new AsyncDisposableStack();
  for (const { hosting, settings } of cases) {
    const server = await startTroupe({ hosting, ...(settings !== undefined && { settings }) });
    servers.push(stack.use(server));
  }
  const samples: Sample[][] = cases.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, server] of servers.entries()) {
      const load = durableLoad(server.port, server.pids, runMs, cases[index]?.load ?? {});
      const before = await commitFigures(server);
      const result = await runLoad(load);
      const after = await commitFigures(server);
      const commits = (after.batches - before.batches) / (after.turns - before.turns);
      samples[index]?.push({ ...result, commits });
    }
  }
  return cases.map(({ name }, index) => {
    const own = samples[index] ?? [];
    return {
      name,
      figures: { ...durableFigures(own), "fsyncs per call": median(own.map((one) => one.commits)) },
    };
  });
}

async function commitFigures(server: TroupeServer): Promise<{ batches: number; turns: number }> {
  const batches = await server.metric("troupe_commit_total");
  const turns = await server.metric("troupe_turn_committed_total");
  return { batches, turns };
}

/** Durable increments of 1,000 actors at 1, 64 and 256 callers. */
export async function durable(settings: BenchSettings): Promise<Report> {
  const hostings: readonly Hosting[] = ["in process", "websocket"];
  const cases = [64, 256, 1].flatMap((connections) =>
    hostings.map((hosting): DurableCase => {
      const name = `${hosting === "in process" ? hosting : "attached host"}, ${connections} callers`;
      return { name, hosting, load: { connections } };
    }),
  );
  return {
    workload: "durable",
    settings:
      "Durable increment, 1,000 actors of 1 KiB, JSON over HTTP/1.1, SQLite `synchronous=FULL`, states encrypted.",
    rows: await runDurable(cases, settings),
  };
}
