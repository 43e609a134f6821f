import type { BenchSettings } from "../support/bench-settings.ts";
import type { Report } from "../support/report.ts";
import { type DurableCase, runDurable } from "./durable.ts";

/** What encryption, protocol and transport of the host change. */
export async function variants(settings: BenchSettings): Promise<Report> {
  const plain = { ENCRYPTION: "off" };
  const http2 = { wire: "grpc", http: 2, connections: 2, inFlight: 32 } as const;
  const cases: readonly DurableCase[] = [
    { name: "in process", hosting: "in process", load: {} },
    { name: "in process, not encrypted", hosting: "in process", settings: plain, load: {} },
    { name: "in process, gRPC in", hosting: "in process", load: http2 },
    { name: "WebSocket host", hosting: "websocket", load: {} },
    { name: "gRPC host", hosting: "grpc", load: {} },
    { name: "WebSocket host, gRPC in", hosting: "websocket", load: http2 },
  ];
  return {
    workload: "variants",
    settings: "The durable increment at 64 callers, by encryption, protocol and transport.",
    rows: await runDurable(cases, settings),
  };
}
