import { create } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ActorId } from "../domain/actor.ts";
import type { Payload, Reply } from "../domain/invocation.ts";
import { EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type {
  GetStateRequest,
  GetStateResponse,
  InvokeRequest,
  InvokeResponse,
} from "../gen/troupe/v1/actor_pb.ts";
import { GetStateResponseSchema, InvokeResponseSchema } from "../gen/troupe/v1/actor_pb.ts";
import type {
  ActorId as ActorIdMessage,
  Payload as PayloadMessage,
} from "../gen/troupe/v1/invocation_pb.ts";
import { PayloadSchema } from "../gen/troupe/v1/invocation_pb.ts";
import { checkedDurationMs } from "./gates/deadline.ts";
import { checkedActorId } from "./gates/ids.ts";
import { refuse } from "./gates/refusal.ts";
import { checkedRevision, type InvokeCall } from "./invoke-call.ts";
import { stateCall } from "./invoke-codec.ts";

/** The call in a decoded `InvokeRequest`. */
export function callOfMessage(message: InvokeRequest): InvokeCall {
  const { actor, stream, expectedRevision, timeout, trace } = message;
  return {
    system: actor?.system ?? "",
    type: actor?.type ?? "",
    key: actor?.key ?? "",
    action: message.action,
    payload: payloadOf(message.payload) ?? EMPTY_PAYLOAD,
    requestId: message.requestId,
    metadata: message.metadata,
    timeoutMs: timeout === undefined ? undefined : durationOf(timeout),
    traceparent: trace?.traceparent ?? "",
    tracestate: trace?.tracestate ?? "",
    turnToken: message.turnToken,
    stream: stream && { streamId: stream.streamId, seq: checkedRevision(stream.seq) },
    expectedRevision:
      expectedRevision === undefined ? undefined : checkedRevision(expectedRevision),
  };
}

/** The call in a decoded `GetStateRequest`. */
export function callOfStateMessage({ actor }: GetStateRequest): InvokeCall {
  const { system = "", type = "", key = "" } = actor ?? {};
  return { ...stateCall(), system, type, key };
}

/** The reply as a message. */
export function replyMessage(reply: Reply): InvokeResponse {
  return create(InvokeResponseSchema, {
    ...payloadField("payload", reply.payload),
    revision: BigInt(reply.revision),
    replayed: reply.replayed,
    notDurable: !reply.durable,
    metadata: { ...reply.metadata },
  });
}

/** The reply to a read of the state as a message. */
export function stateMessage(reply: Reply): GetStateResponse {
  return create(GetStateResponseSchema, {
    ...payloadField("state", reply.payload),
    revision: BigInt(reply.revision),
    tags: { ...reply.tags },
  });
}

/** The checked actor id of a message. Throws `ServerError` if there is none or a part is refused. */
export function actorOf(message: ActorIdMessage | undefined): ActorId {
  if (message === undefined) throw refuse("ACTOR_MISSING");
  return checkedActorId(message.system, message.type, message.key);
}

/** A payload as a message; an empty one is none at all. */
export function payloadMessage(payload: Payload | undefined): PayloadMessage | undefined {
  if (payload === undefined || (payload.type === "" && payload.data.length === 0)) return undefined;
  return create(PayloadSchema, { type: payload.type, data: payload.data });
}

function payloadField<Name extends string>(
  name: Name,
  payload: Payload,
): { [Key in Name]?: PayloadMessage } {
  const message = payloadMessage(payload);
  return message === undefined ? {} : ({ [name]: message } as { [Key in Name]: PayloadMessage });
}

function payloadOf(message: PayloadMessage | undefined): Payload | undefined {
  return message && { type: message.type, data: message.data };
}

function durationOf({ seconds, nanos }: Duration): number {
  return checkedDurationMs(Number(seconds) * 1000 + nanos / 1_000_000);
}
