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

// Version, trace id, span id, flags; only versions to come may have more fields.
const TRACEPARENT =
  /^(?!ff)(?=00-.{52}$|(?!00))[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const LENGTH = 55;
const SAMPLED = 1;

/** Reads a `traceparent` header (W3C Trace Context, level 1); `undefined` for none or a malformed one. */
export function parseTraceparent(header: string): TraceParent | undefined {
  if (header.length < LENGTH || !TRACEPARENT.test(header)) return undefined;
  return { traceId: header.slice(3, 35), spanId: header.slice(36, 52), sampled: isSampled(header) };
}

/** True for a valid header that says "not sampled". Makes nothing, because most calls may be such. */
export function isUnsampled(header: string): boolean {
  return header.length >= LENGTH && !isSampled(header) && TRACEPARENT.test(header);
}

function isSampled(header: string): boolean {
  return (Number.parseInt(header.slice(53, LENGTH), 16) & SAMPLED) !== 0;
}

/** The header that names a span as parent. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
