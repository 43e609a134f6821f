import { actorPath } from "../../domain/actor.ts";
import type { TraceContext } from "../../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../../domain/turn.ts";
import { writeActor, writeCaller } from "../wire/wire-caller.ts";
import type { ProtoWriter } from "../wire/writer.ts";
import { writePayload } from "../wire/wire-payload.ts";

/** What a turn is written with besides itself. */
export interface TurnContext {
  /** Monotonic time of this node, in milliseconds. */
  readonly now: number;
  /** The token under which the turn's calls are accepted. */
  token(turnId: number): string;
}

/** Writes an `Invocation` as a nested message. */
export function writeInvocation(
  writer: ProtoWriter,
  field: number,
  invocation: HostInvocation,
  context: TurnContext,
): void {
  const mark = writer.begin(field);
  writer.uint(1, invocation.id);
  writeActor(writer, 2, invocation.actor);
  if (invocation.state !== undefined) writePayload(writer, 3, invocation.state);
  writer.uint(4, invocation.revision);
  writer.map(5, invocation.tags);
  for (const turn of invocation.turns) writeTurn(writer, turn, invocation, context);
  writer.bool(7, invocation.keepStates);
  writer.uint(8, invocation.epoch);
  writer.end(mark);
}

function writeTurn(
  writer: ProtoWriter,
  turn: HostTurn,
  invocation: HostInvocation,
  context: TurnContext,
): void {
  const call = turn.invocation;
  const mark = writer.begin(6);
  writer.uint(1, turn.turnId);
  writer.string(2, call.action);
  if (call.payload.type !== "" || call.payload.data.length > 0)
    writePayload(writer, 3, call.payload);
  writeCaller(writer, 4, call.caller);
  writer.map(5, call.metadata);
  const trace = call.trace ?? call.traceContext;
  if (trace !== undefined) writeTrace(writer, trace);
  writer.millis(7, Math.max(0, call.deadlineMs - context.now));
  writer.string(8, call.requestId);
  writer.uint(9, turn.attempt);
  writer.string(10, idempotencyKey(turn, invocation));
  writer.string(11, context.token(turn.turnId));
  writer.end(mark);
}

/**
 * The key for calls to the outside world. A call with a request id has the same one whenever it is
 * repeated; without one there is nothing that a repeat would be known by, so the turn names itself.
 */
function idempotencyKey(
  { turnId, invocation: call }: HostTurn,
  { actor, epoch }: HostInvocation,
): string {
  const own = call.requestId === "" ? `${epoch}.${turnId}` : call.requestId;
  return `${actorPath(actor)}/${call.action}/${own}`;
}

function writeTrace(writer: ProtoWriter, { traceparent, tracestate }: TraceContext): void {
  const mark = writer.begin(6);
  writer.string(1, traceparent);
  writer.string(2, tracestate);
  writer.end(mark);
}
