import { expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { startExampleHost } from "./support/example-host.ts";
import { callJson } from "./support/json-calls.ts";
import { startDev, startServe } from "./support/troupe-process.ts";

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** An OTLP receiver (HTTP, JSON) that keeps the spans it is sent. */
function collector() {
  const spans: SentSpan[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { resourceSpans = [] } = (await request.json()) as {
        resourceSpans?: { scopeSpans: { spans: SentSpan[] }[] }[];
      };
      for (const { scopeSpans } of resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      return Response.json({});
    },
  });
  return {
    spans,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

const PHASES = ["claim", "commit", "host", "queue", "receive", "reply"];
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

test("a call is a trace with six phases, below the caller's and above the calls it makes", async () => {
  using folder = tempDir();
  using receiver = collector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "50" };
  await using server = await startDev(folder.path, undefined, { env });
  const sampled = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const input = { to: "counter/b", action: "add", input: 3 };
  expect((await callJson(server.url, "relay/a/hand", input, sampled)).value).toBe(3);
  const unsampled = { traceparent: `00-${"1".repeat(32)}-${PARENT}-00` };
  expect((await callJson(server.url, "counter/b/add", 1, unsampled)).status).toBe(200);
  const malformed = { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` };
  expect((await callJson(server.url, "counter/b/add", 1, malformed)).status).toBe(200);

  const ofTrace = () => receiver.spans.filter(({ traceId }) => traceId === TRACE);
  const children = (spanId: string | undefined) =>
    ofTrace().filter(({ parentSpanId }) => parentSpanId === spanId);
  const outer = await waitUntil("the outer call is sent", () => children(PARENT)[0]);
  // The turn's call out of the host belongs to the trace of the call that began it.
  const inner = await waitUntil("the inner call is sent", () =>
    children(outer.spanId).find(({ name }) => name === "counter/add"),
  );
  const names = (spanId: string) => children(spanId).map(({ name }) => name);
  expect(names(outer.spanId).sort()).toEqual([...PHASES, "counter/add"].sort());
  expect(names(inner.spanId).sort()).toEqual(PHASES.filter((name) => name !== "receive"));
  expect(receiver.spans.some(({ traceId }) => traceId === "1".repeat(32))).toBe(false);
});

test("a call from a host elsewhere belongs to the trace of its turn", async () => {
  using folder = tempDir();
  using receiver = collector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  await using server = await startServe(folder.path, { env });
  const host = await startExampleHost(server, "websocket");
  try {
    const sampled = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const input = { type: "kit.counter", key: "b", action: "add", payload: 3 };
    const answer = await callJson(server.url, "kit.counter/a/call", input, sampled);
    expect([answer.status, answer.value]).toEqual([200, 3]);
    const child = (parent: string | undefined, name: string) =>
      receiver.spans.find((span) => span.parentSpanId === parent && span.name === name);
    const outer = await waitUntil("the call", () => child(PARENT, "kit.counter/call"));
    const inner = await waitUntil("its own call", () => child(outer.spanId, "kit.counter/add"));
    expect(inner.traceId).toBe(TRACE);
  } finally {
    host.kill("SIGKILL");
    await host.exited;
  }
});

test("metrics count what happened, under names of their own", async () => {
  using folder = tempDir();
  await using server = await startDev(folder.path);
  const once = { "idempotency-key": "m" };
  await callJson(server.url, "counter/m/add", 1, once);
  await callJson(server.url, "counter/m/add", 1, once);
  await callJson(server.url, "counter/m/add", "x");
  await callJson(server.url, "nobody/m/add", 1);
  const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
  const value = (series: string): number =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${series} `))
        ?.split(" ")
        .at(-1),
    );
  expect(value("troupe_turn_committed_total")).toBe(1);
  expect(value("troupe_dedup_hit_total")).toBe(1);
  expect(value('troupe_rpc_seconds_count{method="Invoke",code="ok"}')).toBe(2);
  for (const name of ["commit_ambiguous", "invariant_failed", "acl_error"]) {
    expect(value(`troupe_${name}_total`)).toBe(0);
  }
  const bare = await fetch(`${server.url}/metrics`);
  expect(bare.status).toBe(404);
});

test("probes say what can be served, until the end", async () => {
  using folder = tempDir();
  const env = { TROUPE_SHUTDOWN_DELAY: "1s", TROUPE_DATA_DIR: join(folder.path, "data") };
  await using server = await startServe(folder.path, { env });
  for (const url of [server.url, server.adminUrl]) {
    for (const probe of ["livez", "readyz", "startupz"]) {
      const { status } = await fetch(`${url}/${probe}`);
      expect([probe, status]).toEqual([probe, 200]);
    }
  }
  const ready = await (await fetch(`${server.url}/readyz`)).json();
  expect(ready).toEqual({ status: "running", checks: { statestore: "ok", session: "ok" } });
  server.signal("SIGTERM");
  await waitUntil(
    "readiness is off",
    async () => (await fetch(`${server.url}/readyz`)).status === 503,
  );
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  expect((await server.ended()).code).toBe(0);
});
