import { base64Encode } from "@bufbuild/protobuf/wire";
import type { Payload, Reply, StreamPosition } from "../domain/invocation.ts";
import { EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { decodeError, readerOf } from "./gates/message.ts";
import { checkedDurationMs } from "./gates/deadline.ts";
import { refuse } from "./gates/refusal.ts";
import { BLANK_CALL, type InvokeCall } from "./invoke-call.ts";
import { type ProtoReader, WireError } from "./wire/reader.ts";
import type { ProtoWriter } from "./wire/writer.ts";

type Draft = { -readonly [Name in keyof InvokeCall]: InvokeCall[Name] };

const INVOKE_FIELDS = 11;
const STATE_FIELDS = 2;
const CONSISTENCIES = 3;

/** The hand-made codec of `InvokeRequest`. Throws `ServerError` (`request.invalid`). */
export function decodeInvoke(bytes: Uint8Array, limits: Limits): InvokeCall {
  try {
    return readInvoke(readerOf(bytes, limits));
  } catch (error) {
    throw decodeError(error);
  }
}

/** The same for `GetStateRequest`. */
export function decodeGetState(bytes: Uint8Array, limits: Limits): InvokeCall {
  try {
    const reader = readerOf(bytes, limits);
    const call = stateCall();
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === 0x0a) readActor(reader, call);
      else if (tag === 0x10) readConsistency(reader);
      else skipUnknown(reader, tag, STATE_FIELDS);
    }
    return call;
  } catch (error) {
    throw decodeError(error);
  }
}

/** A call that reads the state: the server itself answers it, after the same policy. */
export function stateCall(): Draft {
  return { ...BLANK_CALL, action: "get", operation: { kind: "state" } };
}

/** Reads an `InvokeRequest` up to the end of the message the reader is in. Throws `WireError`. */
export function readInvoke(reader: ProtoReader): InvokeCall {
  const call: Draft = { ...BLANK_CALL };
  let metadata: Record<string, string> | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        readActor(reader, call);
        break;
      case 0x12:
        call.action = reader.string();
        break;
      case 0x1a:
        call.payload = readPayload(reader);
        break;
      case 0x22:
        call.requestId = reader.string();
        break;
      case 0x2a:
        metadata ??= {};
        reader.mapEntry(metadata);
        break;
      case 0x32:
        call.timeoutMs = checkedDurationMs(reader.millis());
        break;
      case 0x3a:
        readTrace(reader, call);
        break;
      case 0x42:
        call.turnToken = reader.string();
        break;
      case 0x4a:
        call.stream = readStream(reader);
        break;
      case 0x50:
        call.expectedRevision = reader.uint64();
        break;
      case 0x58:
        readConsistency(reader);
        break;
      default:
        skipUnknown(reader, tag, INVOKE_FIELDS);
    }
  }
  if (metadata !== undefined) call.metadata = metadata;
  return call;
}

function readActor(reader: ProtoReader, call: Draft): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) call.system = reader.string();
    else if (tag === 0x12) call.type = reader.string();
    else if (tag === 0x1a) call.key = reader.string();
    else skipUnknown(reader, tag, 3);
  }
  reader.leave(outer);
}

function readPayload(reader: ProtoReader): Payload {
  const outer = reader.enter();
  let { type, data } = EMPTY_PAYLOAD;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) type = reader.string();
    else if (tag === 0x12) data = reader.bytes();
    else skipUnknown(reader, tag, 2);
  }
  reader.leave(outer);
  return { type, data };
}

function readTrace(reader: ProtoReader, call: Draft): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) call.traceparent = reader.string();
    else if (tag === 0x12) call.tracestate = reader.string();
    else skipUnknown(reader, tag, 2);
  }
  reader.leave(outer);
}

function readStream(reader: ProtoReader): StreamPosition {
  const outer = reader.enter();
  let streamId = "";
  let seq = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) streamId = reader.string();
    else if (tag === 0x10) seq = reader.uint64();
    else skipUnknown(reader, tag, 2);
  }
  reader.leave(outer);
  return { streamId, seq };
}

/** Every read is linearizable, which serves a reader that would have taken less. */
function readConsistency(reader: ProtoReader): void {
  if (reader.uint32() >= CONSISTENCIES) throw refuse("UNKNOWN_ENUM");
}

/** A field of a later version is skipped; one of ours with another wire type is a broken message. */
function skipUnknown(reader: ProtoReader, tag: number, knownFields: number): void {
  if (tag >>> 3 <= knownFields) throw new WireError("a field has the wrong wire type");
  reader.skip(tag);
}

/** Writes an `InvokeResponse`. */
export function writeReply(writer: ProtoWriter, reply: Reply): void {
  writePayload(writer, reply.payload);
  writer.uint(2, reply.revision);
  writer.bool(3, reply.replayed);
  writer.bool(4, !reply.durable);
  writer.map(5, reply.metadata);
}

/** Writes a `GetStateResponse`. */
export function writeState(writer: ProtoWriter, reply: Reply): void {
  writePayload(writer, reply.payload);
  writer.uint(2, reply.revision);
  if (reply.tags !== undefined) writer.map(3, reply.tags);
}

/** An empty payload is written as none at all. */
function writePayload(writer: ProtoWriter, { type, data }: Payload): void {
  if (type === "" && data.length === 0) return;
  const mark = writer.begin(1);
  writer.string(1, type);
  writer.bytes(2, data);
  writer.end(mark);
}

/** An `InvokeResponse` in the JSON of protobuf. */
export function replyJson({ payload, revision, replayed, durable, metadata }: Reply): string {
  return JSON.stringify({
    payload: payloadJson(payload),
    revision: revision === 0 ? undefined : String(revision),
    replayed: replayed || undefined,
    notDurable: !durable || undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  });
}

/** A `GetStateResponse` in the JSON of protobuf. */
export function stateJson({ payload, revision, tags }: Reply): string {
  return JSON.stringify({
    state: payloadJson(payload),
    revision: revision === 0 ? undefined : String(revision),
    tags: tags === undefined || Object.keys(tags).length === 0 ? undefined : tags,
  });
}

function payloadJson({ type, data }: Payload): object | undefined {
  if (type === "" && data.length === 0) return undefined;
  return { type: type || undefined, data: data.length === 0 ? undefined : base64Encode(data) };
}
