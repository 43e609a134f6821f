import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { CallTrace } from "../../domain/invocation.ts";
import type { Logger } from "../../node/ports.ts";
import { isUnsampled, parseTraceparent, type Tracer } from "../../node/trace.ts";
import { makeTracer } from "./tracing.ts";

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly traceState?: string;
}

/** An OTLP/HTTP receiver that keeps what it is sent. */
class Collector {
  readonly spans: SentSpan[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  readonly paths: string[] = [];
  resource: Readonly<Record<string, unknown>> = {};
  status = 200;
  #server: Server | undefined;

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        this.headers.push(request.headers);
        this.paths.push(request.url ?? "");
        for (const one of JSON.parse(body).resourceSpans) {
          this.resource = Object.fromEntries(
            one.resource.attributes.map((pair: { key: string; value: object }) => [
              pair.key,
              Object.values(pair.value)[0],
            ]),
          );
          for (const scope of one.scopeSpans) this.spans.push(...scope.spans);
        }
        response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was bound");
    return `http://127.0.0.1:${address.port}`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED = `${PARENT.slice(0, -2)}00`;

describe("traces", () => {
  let collector = new Collector();
  let url = "";
  const warned: unknown[] = [];
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (event, fields) => warned.push(event, fields),
    error: () => undefined,
    child: () => log,
  };
  const start = (env: Record<string, string>, unit = 0.5): Tracer | undefined => {
    const random = { bytes: (length: number) => new Uint8Array(length), unit: () => unit };
    return makeTracer({ env, nodeName: "node-a", version: "1.2.3", random, log });
  };
  const call = (tracer: Tracer | undefined, parent = "", state = ""): CallTrace | undefined =>
    tracer?.start(parent, state, "counter/add");

  beforeEach(async () => {
    collector = new Collector();
    warned.length = 0;
    url = await collector.start();
  });
  afterEach(() => collector.stop());

  test("arrive at a collector: one server span per call, a child per phase, the caller as parent", async () => {
    const tracer = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
      OTEL_SERVICE_NAME: "shop",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=lost,team=a%20b",
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=k1",
    });
    const trace = call(tracer, PARENT, "vendor=1");
    if (tracer === undefined || trace === undefined) throw new Error("the call is not traced");
    expect(trace.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(trace.tracestate).toBe("vendor=1");
    for (const phase of ["queue", "host", "commit"] as const) {
      trace.begin(phase);
      if (phase !== "commit") trace.end(phase);
    }
    tracer.end(trace, "ok");
    await tracer.shutdown();

    expect(collector.paths).toEqual(["/v1/traces"]);
    expect(collector.headers[0]).toMatchObject({
      "content-type": "application/json",
      "x-key": "k1",
    });
    expect(collector.resource).toMatchObject({
      "service.name": "shop",
      "service.version": "1.2.3",
      "service.instance.id": "node-a",
      team: "a b",
    });
    const root = collector.spans.find(({ name }) => name === "counter/add");
    expect(root).toMatchObject({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      parentSpanId: "b7ad6b7169203331",
      spanId: trace.traceparent.slice(36, 52),
      kind: 2,
      traceState: "vendor=1",
    });
    const children = collector.spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId);
    expect(children.map(({ name }) => name).sort()).toEqual(["commit", "host", "queue"]);
  });

  test("say what went wrong, and whose matter it was", async () => {
    const tracer = start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/own/path` });
    for (const code of ["not_found", "internal"]) {
      const trace = call(tracer);
      if (trace !== undefined) tracer?.end(trace, code);
    }
    await tracer?.shutdown();
    expect(collector.paths).toEqual(["/own/path"]);
    expect(collector.spans.map(({ status }) => status.code ?? 0)).toEqual([0, 2]);
    expect(collector.spans[0]?.attributes).toContainEqual({
      key: "error.type",
      value: { stringValue: "not_found" },
    });
  });

  test("follow the parent's decision unless told otherwise", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const sampled = (sampler: string, arg: string, parent: string, unit?: number): boolean =>
      call(
        start({ ...endpoint, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg }, unit),
        parent,
      ) !== undefined;
    expect(call(start(endpoint), UNSAMPLED)).toBeUndefined();
    expect(call(start(endpoint), "")).toBeDefined();
    expect(sampled("parentbased_always_off", "", PARENT)).toBe(true);
    expect(sampled("parentbased_always_off", "", "")).toBe(false);
    expect(sampled("always_on", "", UNSAMPLED)).toBe(true);
    expect(sampled("always_off", "", PARENT)).toBe(false);
    expect(sampled("parentbased_traceidratio", "0.4", "", 0.39)).toBe(true);
    expect(sampled("parentbased_traceidratio", "0.4", "", 0.41)).toBe(false);
    // The last 13 digits of the trace id decide: 8eb211c80319c is 0.55 of the way.
    expect(sampled("traceidratio", "0.6", UNSAMPLED)).toBe(true);
    expect(sampled("traceidratio", "0.5", PARENT)).toBe(false);
  });

  test("begin anew where the caller's header is malformed", async () => {
    const tracer = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    const trace = call(tracer, PARENT.replace("0af7", "0AF7"), "vendor=1");
    if (tracer === undefined || trace === undefined) throw new Error("the call is not traced");
    expect(trace.traceparent).not.toContain("0af7651916cd43dd8448eb211c80319c");
    expect(trace.tracestate).toBe("");
    tracer.end(trace, "ok");
    await tracer.shutdown();
    expect(collector.spans[0]?.parentSpanId ?? "").toBe("");
  });

  test.each([
    ["no endpoint", {}],
    ["the SDK disabled", { OTEL_SDK_DISABLED: "true" }],
    ["no exporter", { OTEL_TRACES_EXPORTER: "none" }],
  ])("are off with %s", (_name, env: Record<string, string>) => {
    const endpoint = Object.keys(env).length === 0 ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    expect(start({ ...endpoint, ...env })).toBeUndefined();
    expect(warned).toEqual([]);
  });

  test.each([
    [{ OTEL_TRACES_EXPORTER: "zipkin" }, "OTEL_TRACES_EXPORTER"],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL"],
    [{ OTEL_TRACES_SAMPLER: "jaeger" }, "OTEL_TRACES_SAMPLER"],
    [
      { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" },
      "OTEL_TRACES_SAMPLER_ARG",
    ],
    [{ OTEL_RESOURCE_ATTRIBUTES: "a" }, "OTEL_RESOURCE_ATTRIBUTES"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ])("warn of what is not offered: %p", (env: Record<string, string>, name) => {
    start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env });
    expect(warned[1]).toMatchObject({ message: expect.stringContaining(name) });
  });

  test("do not hold up the end of the node when the collector is gone", async () => {
    const tracer = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    collector.stop();
    const trace = call(tracer);
    if (trace !== undefined) tracer?.end(trace, "ok");
    let ended = false;
    void tracer?.shutdown().then(() => {
      ended = true;
    });
    await waitUntil("the end", () => ended, 4_500);
  });
});

describe("traceparent", () => {
  test.each([
    PARENT,
    UNSAMPLED,
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-and-more",
  ])("is read: %s", (header) => {
    expect(parseTraceparent(header)).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      sampled: !isUnsampled(header),
    });
  });

  test.each([
    "",
    "00",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    "00-0af7651916cd43dd8448eb211c80319C-b7ad6b7169203331-01",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
    "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-01",
  ])("is ignored: %s", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
    expect(isUnsampled(header)).toBe(false);
  });
});
