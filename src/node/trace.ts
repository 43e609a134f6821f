import type { CallTrace } from "../domain/invocation.ts";

/** W3C trace context as it came with a call. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** Opens and ends the span of one call (`CallTracing` of the edge), and lets go of what is kept. */
export interface Tracer {
  /**
   * Begins the span of one call. `undefined` for a call that is not sampled: it costs nothing more.
   * A `traceparent` that is malformed is no error; the call then begins a trace of its own.
   */
  start(traceparent: string, tracestate: string, name: string): CallTrace | undefined;
  /** Ends it with "ok" or Connect's error code. Phases that are still open end with it. */
  end(trace: CallTrace, code: string): void;
  /** Sends what is left, within a few seconds. */
  shutdown(): Promise<void>;
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const SAMPLED = 1;

/** Reads a `traceparent` header (W3C Trace Context, level 1); `undefined` for none or a malformed one. */
export function parseTraceparent(header: string): TraceParent | undefined {
  // Shorter than the shortest valid one; most often there is none at all.
  if (header.length < 55) return undefined;
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, flags = "", more] =
    TRACEPARENT.exec(header) ?? [];
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  // Only versions to come may have more fields.
  if (version === "00" && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** The header that names a span as parent. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
