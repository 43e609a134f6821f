import type { ActorId } from "../domain/actor.ts";
import type {
  Caller,
  CallTrace,
  Invocation,
  Operation,
  Payload,
  StreamPosition,
  StringMap,
} from "../domain/invocation.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { RunningTurn } from "../node/host-port.ts";
import type { Clock } from "../node/ports.ts";
import { callTimeoutMs, parseMilliseconds } from "./gates/deadline.ts";
import { checkedActorId, checkName, checkRequestId } from "./gates/ids.ts";
import { checkedMetadata } from "./gates/metadata.ts";
import { refuse, unsupported } from "./gates/refusal.ts";

/** A call as a client wrote it, taken out of its protocol but not yet checked. */
export interface InvokeCall {
  readonly system: string;
  readonly type: string;
  readonly key: string;
  readonly action: string;
  readonly payload: Payload;
  readonly requestId: string;
  readonly metadata: StringMap;
  /** Milliseconds that the message gives; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly turnToken: string;
  readonly stream: StreamPosition | undefined;
  readonly expectedRevision: number | undefined;
  readonly operation?: Operation;
}

/** A call that says nothing, to be filled in. */
export const BLANK_CALL: InvokeCall = Object.freeze({
  system: "",
  type: "",
  key: "",
  action: "",
  payload: EMPTY_PAYLOAD,
  requestId: "",
  metadata: EMPTY_MAP,
  timeoutMs: undefined,
  traceparent: "",
  tracestate: "",
  turnToken: "",
  stream: undefined,
  expectedRevision: undefined,
});

/** What the channel adds to a call: never taken from its message. */
export interface CallChannel {
  readonly caller: Caller;
  /** Milliseconds that the RPC's own deadline leaves; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly traceparent: string;
  readonly tracestate: string;
}

/** What turning calls into invocations needs to know. */
export interface CallRules {
  readonly limits: Limits;
  readonly clock: Clock;
  /** The running turn that a token names; absent where no host can hold one. */
  readonly turn?: ((token: string) => RunningTurn | undefined) | undefined;
  readonly trace?: CallTracing | undefined;
}

/** Opens and ends the span of one call. */
export interface CallTracing {
  /** `undefined` for a call that is not sampled; it then costs nothing more. */
  start(traceparent: string, tracestate: string, name: string): CallTrace | undefined;
  end(trace: CallTrace, code: string): void;
}

/** What W3C Trace Context asks every hop to carry at least; a longer one is dropped. */
const TRACESTATE_LIMIT = 512;
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The call as the node takes it: identifiers, metadata, request id and deadline checked. Throws
 * `ServerError`: `request.invalid`, or `call.deadline` if no time is left.
 */
export function toInvocation(call: InvokeCall, channel: CallChannel, rules: CallRules): Invocation {
  const { limits, clock } = rules;
  const actor = checkedActorId(call.system, call.type, call.key);
  checkName(call.action);
  checkRequestId(call.requestId);
  if (call.stream !== undefined) {
    throw unsupported("this server does not order the calls of a stream", "STREAM_ORDER");
  }
  const metadata = checkedMetadata(call.metadata, limits);
  const turn = call.turnToken === "" ? undefined : runningTurn(call.turnToken, rules);
  const wanted = Math.min(call.timeoutMs ?? Infinity, metadataTimeout(metadata) ?? Infinity);
  const timeoutMs = callTimeoutMs(channel.timeoutMs, wanted, limits);
  const deadlineMs = clock.now() + timeoutMs;
  return {
    actor,
    action: call.action,
    payload: call.payload,
    requestId: call.requestId,
    metadata,
    caller: turn === undefined ? channel.caller : turnCaller(turn),
    chain: turn === undefined ? NO_CHAIN : [...turn.invocation.chain, turn.invocation.actor],
    deadlineMs: turn === undefined ? deadlineMs : Math.min(deadlineMs, turn.invocation.deadlineMs),
    ...traceOf(call, channel, rules, actor.type),
    hops: 0,
    ...(call.expectedRevision !== undefined && { expectedRevision: call.expectedRevision }),
    ...(call.operation !== undefined && { operation: call.operation }),
  };
}

const NO_CHAIN: readonly ActorId[] = Object.freeze([]);

function runningTurn(token: string, rules: CallRules): RunningTurn {
  const turn = rules.turn?.(token);
  if (turn === undefined) throw refuse("TURN_TOKEN");
  return turn;
}

/** A turn calls for the principal that called it; the actor says which turn it is. */
function turnCaller({ invocation }: RunningTurn): Caller {
  return { ...invocation.caller, actor: invocation.actor };
}

function metadataTimeout(metadata: StringMap): number | undefined {
  const text = metadata["request-timeout"];
  return text === undefined ? undefined : parseMilliseconds(text);
}

/** The span of the call, or the caller's context as it came. A malformed one is no error. */
function traceOf(
  call: InvokeCall,
  channel: CallChannel,
  rules: CallRules,
  type: string,
): Pick<Invocation, "trace" | "traceContext"> {
  const { traceparent, tracestate: given } = call.traceparent === "" ? channel : call;
  const tracestate = given.length > TRACESTATE_LIMIT ? "" : given;
  const valid = traceparent !== "" && TRACEPARENT.test(traceparent);
  if (rules.trace !== undefined) {
    const name = `${type}/${call.action}`;
    const trace = rules.trace.start(valid ? traceparent : "", valid ? tracestate : "", name);
    trace?.begin("receive");
    if (trace !== undefined) return { trace };
  }
  return valid ? { trace: undefined, traceContext: { traceparent, tracestate } } : UNTRACED;
}

const UNTRACED = Object.freeze({ trace: undefined });

/** A revision from outside as the domain's number. Throws `ServerError` beyond 2^53. */
export function checkedRevision(revision: bigint): number {
  const number = Number(revision);
  if (!Number.isSafeInteger(number) || number < 0) throw refuse("REVISION");
  return number;
}
