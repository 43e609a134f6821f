import { join } from "node:path";
import type { LoadOptions, LoadResult, Wire } from "../load/load-options.ts";
import type { BenchSettings } from "../support/bench-settings.ts";
import { median, type Report, type Row } from "../support/report.ts";
import { runLoad } from "../support/run-load.ts";

const SERVER = join(import.meta.dir, "..", "servers", "noop-server.ts");
const WARM_MS = 500;

interface NoopCase {
  readonly name: string;
  readonly wire: Wire;
  readonly http: 1 | 2;
}

const CASES: readonly NoopCase[] = [
  { name: "Connect proto, HTTP/1.1", wire: "connect-proto", http: 1 },
  { name: "Connect JSON, HTTP/1.1", wire: "connect-json", http: 1 },
  { name: "JSON route, HTTP/1.1", wire: "json-route", http: 1 },
  { name: "gRPC-web, HTTP/1.1", wire: "grpc-web", http: 1 },
  { name: "gRPC, HTTP/2", wire: "grpc", http: 2 },
  { name: "Connect proto, HTTP/2", wire: "connect-proto", http: 2 },
  { name: "JSON route, HTTP/2", wire: "json-route", http: 2 },
];

interface NoopServer {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

async function start(kind: "edge" | "echo"): Promise<NoopServer> {
  const child = Bun.spawn([process.execPath, SERVER, kind], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  return { port, pid: child.pid, stop: () => child.kill() };
}

function loadOf({ port, pid }: NoopServer, { wire, http }: NoopCase, runMs: number): LoadOptions {
  const lanes = http === 1 ? { connections: 64, inFlight: 1 } : { connections: 4, inFlight: 64 };
  const what = { type: "counter", action: "add", prefix: "user-", keys: 64 };
  const check = "status";
  return {
    port,
    wire,
    http,
    ...lanes,
    ...what,
    warmMs: WARM_MS,
    runMs,
    check,
    calls: 0,
    pids: [pid],
  };
}

const cpuMicros = ({ cpuMs, calls }: LoadResult): number => ((cpuMs[0] ?? 0) * 1000) / calls;
const rate = ({ calls, elapsedMs }: LoadResult): number => (calls * 1000) / elapsedMs;

/** The edge over a node that answers at once, against an echo of the same bytes. */
export async function noop({ runMs, rounds }: BenchSettings): Promise<Report> {
  const [edge, echo] = await Promise.all([start("edge"), start("echo")]);
  const rows: Row[] = [];
  for (const one of CASES) {
    const ofEdge: LoadResult[] = [];
    const ofEcho: LoadResult[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ofEdge.push(await runLoad(loadOf(edge, one, runMs)));
      ofEcho.push(await runLoad(loadOf(echo, one, runMs)));
    }
    const edgeMicros = median(ofEdge.map(cpuMicros));
    const echoMicros = median(ofEcho.map(cpuMicros));
    rows.push({
      name: one.name,
      figures: {
        "calls/s": median(ofEdge.map(rate)),
        "server CPU µs": edgeMicros,
        "echo/s": median(ofEcho.map(rate)),
        "echo CPU µs": echoMicros,
        "of the echo": `${((100 * echoMicros) / edgeMicros).toFixed(0)} %`,
      },
    });
  }
  edge.stop();
  echo.stop();
  return {
    workload: "noop",
    settings:
      "A call through the edge to a node that answers at once, against a bare echo on the same listener: CPU of the echo as a share of the CPU of the call. 64 connections over HTTP/1.1, 4 × 64 calls over HTTP/2.",
    rows,
  };
}
