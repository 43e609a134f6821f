import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace as api,
  type Tracer as SpanTracer,
  TraceFlags,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { CallTrace, Phase } from "../../domain/invocation.ts";
import type { Logger, Random } from "../../node/ports.ts";
import {
  formatTraceparent,
  isUnsampled,
  parseTraceparent,
  type TraceParent,
  type Tracer,
} from "../../node/trace.ts";
import { readOtelEnv, type SamplerSettings } from "./otel-env.ts";

export interface TracerOptions {
  /** The environment; only `OTEL_*` is read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nodeName: string;
  readonly version: string;
  readonly random: Random;
  readonly log: Logger;
}

const EXPORT_TIMEOUT_MS = 5_000;
const SHUTDOWN_MS = 3_000;
const TRACESTATE_CHARS = 512;

/** Codes, Connect's and our own, that say something about the server and not about the call. */
const SERVER_FAULTS: ReadonlySet<string> = new Set([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "internal.bug",
  "call.deadline",
  "host.unavailable",
  "host.failed",
  "host.invalid_reply",
  "state.unavailable",
  "state.corrupt",
]);

/** The span of one call, with a child for each phase that runs. */
class CallSpan implements CallTrace {
  readonly traceparent: string;
  readonly tracestate: string;
  readonly #tracer: SpanTracer;
  readonly #span: Span;
  readonly #context: Context;
  readonly #open = new Map<Phase, Span>();

  constructor(tracer: SpanTracer, span: Span, tracestate: string) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = api.setSpan(ROOT_CONTEXT, span);
    const { traceId, spanId } = span.spanContext();
    this.traceparent = formatTraceparent({ traceId, spanId, sampled: true });
    this.tracestate = tracestate;
  }

  begin(phase: Phase): void {
    this.end(phase);
    this.#open.set(phase, this.#tracer.startSpan(phase, undefined, this.#context));
  }

  end(phase: Phase): void {
    this.#open.get(phase)?.end();
    this.#open.delete(phase);
  }

  finish(code: string): void {
    for (const span of this.#open.values()) span.end();
    this.#open.clear();
    if (code !== "ok") this.#span.setAttribute("error.type", code);
    if (SERVER_FAULTS.has(code))
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    this.#span.end();
  }
}

/**
 * A tracer that sends spans over OTLP (HTTP, JSON) as `OTEL_*` say, or `undefined` if no endpoint is
 * set: then calls need not even be asked about. A collector that is slow or gone costs spans, never
 * calls: at most 2,048 ended spans wait.
 */
export function makeTracer(options: TracerOptions): Tracer | undefined {
  const { env, log, random } = options;
  const settings = readOtelEnv(env);
  for (const message of settings.warnings) log.warn("otel.setting", { message });
  if (settings.tracesUrl === undefined) return undefined;
  const exporter = new OTLPTraceExporter({
    url: settings.tracesUrl,
    headers: { ...settings.headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    // Whether a call is sampled is decided before anything is made for it.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({
      "service.version": options.version,
      "service.instance.id": options.nodeName,
      ...settings.attributes,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("troupe", options.version);
  return {
    start: (traceparent, tracestate, name) => {
      if (settings.sampler.parentBased && isUnsampled(traceparent)) return undefined;
      const parent = parseTraceparent(traceparent);
      if (!isSampled(settings.sampler, parent, random)) return undefined;
      const state = parent === undefined || tracestate.length > TRACESTATE_CHARS ? "" : tracestate;
      const attributes = { "rpc.system": "connect_rpc", "rpc.method": name };
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes },
        parentContext(parent, state),
      );
      return new CallSpan(tracer, span, state);
    },
    end: (trace, code) => {
      if (trace instanceof CallSpan) trace.finish(code);
    },
    shutdown: () => shutdown(provider, log),
  };
}

function isSampled(
  { parentBased, ratio }: SamplerSettings,
  parent: TraceParent | undefined,
  random: Random,
): boolean {
  if (parentBased && parent !== undefined) return parent.sampled;
  if (ratio >= 1) return true;
  if (ratio <= 0) return false;
  // The same answer for a trace wherever it is asked; its last 13 digits are random.
  if (parent !== undefined) return Number.parseInt(parent.traceId.slice(-13), 16) < ratio * 2 ** 52;
  return random.unit() < ratio;
}

function parentContext(parent: TraceParent | undefined, tracestate: string): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parent;
  return api.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(tracestate === "" ? {} : { traceState: createTraceState(tracestate) }),
  });
}

async function shutdown(provider: TracerProvider, log: Logger): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, SHUTDOWN_MS);
  try {
    await Promise.race([provider.shutdown(), late]);
  } catch (error) {
    log.warn("otel.shutdown", { error });
  } finally {
    clearTimeout(timer);
  }
}
