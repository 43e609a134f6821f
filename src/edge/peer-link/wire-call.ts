import type { ActorId } from "../../domain/actor.ts";
import {
  ANONYMOUS,
  type Caller,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  type Operation,
  type Payload,
  type StringMap,
} from "../../domain/invocation.ts";
import { type ProtoReader, WireError } from "../wire/reader.ts";
import { readActor, readCaller, writeActor, writeCaller } from "../wire/wire-caller.ts";
import { readPayload, writePayload } from "../wire/wire-payload.ts";
import type { ProtoWriter } from "../wire/writer.ts";

/** A call as it arrives, with the id under which its answer is awaited. */
export interface ReceivedCall {
  readonly id: number;
  readonly invocation: Invocation;
  /** Epoch that the asking member believes in; 0 for none. */
  readonly epochSeen: number;
}

/** Writes a `PeerCall`; `now` is this node's monotonic time, which the deadline is reckoned from. */
export function writeCall(
  writer: ProtoWriter,
  field: number,
  id: number,
  call: Invocation,
  epochSeen: number,
  now: number,
): void {
  const mark = writer.begin(field);
  writer.uint(1, id);
  writeActor(writer, 2, call.actor);
  writer.string(3, call.action);
  if (call.payload !== EMPTY_PAYLOAD) writePayload(writer, 4, call.payload);
  writer.string(5, call.requestId);
  writer.map(6, call.metadata);
  writeCaller(writer, 7, call.caller);
  for (const actor of call.chain) writeActor(writer, 8, actor);
  writer.millis(9, Math.max(0, call.deadlineMs - now));
  const trace = call.trace ?? call.traceContext;
  if (trace !== undefined) {
    writer.string(10, trace.traceparent);
    writer.string(11, trace.tracestate);
  }
  if (call.expectedRevision !== undefined) writer.presentUint(12, call.expectedRevision);
  if (call.stream !== undefined) {
    writer.string(13, call.stream.streamId);
    writer.uint(14, call.stream.seq);
  }
  writer.uint(15, call.hops);
  if (call.operation !== undefined) writeOperation(writer, call.operation);
  writer.uint(17, epochSeen);
  writer.end(mark);
}

function writeOperation(writer: ProtoWriter, operation: Operation): void {
  const mark = writer.begin(16);
  switch (operation.kind) {
    case "state":
      writer.bool(1, true);
      break;
    case "delete":
      writer.presentUint(2, operation.shred ? 1 : 0);
      break;
    case "restore": {
      const restore = writer.begin(3);
      if (operation.state !== undefined) writePayload(writer, 1, operation.state);
      writer.map(2, operation.tags);
      writer.end(restore);
      break;
    }
  }
  writer.end(mark);
}

/** Fields of a call as far as they have been read. */
interface Draft {
  id: number;
  actor: ActorId | undefined;
  action: string;
  payload: Payload;
  requestId: string;
  metadata: Record<string, string> | undefined;
  caller: Caller;
  readonly chain: ActorId[];
  remainingMs: number;
  traceparent: string;
  tracestate: string;
  expectedRevision: number | undefined;
  streamId: string;
  seq: number;
  hops: number;
  operation: Operation | undefined;
  epochSeen: number;
}

/** Reads the `PeerCall` that comes next; throws `WireError` if it names no actor. */
export function readCall(reader: ProtoReader, now: number): ReceivedCall {
  const outer = reader.enter();
  const draft: Draft = {
    id: 0,
    actor: undefined,
    action: "",
    payload: EMPTY_PAYLOAD,
    requestId: "",
    metadata: undefined,
    caller: ANONYMOUS,
    chain: [],
    remainingMs: 0,
    traceparent: "",
    tracestate: "",
    expectedRevision: undefined,
    streamId: "",
    seq: 0,
    hops: 0,
    operation: undefined,
    epochSeen: 0,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag < 0x60) readCommon(reader, tag, draft);
    else readRare(reader, tag, draft);
  }
  reader.leave(outer);
  if (draft.actor === undefined) throw new WireError("a call names no actor");
  return received(draft, draft.actor, now);
}

function readCommon(reader: ProtoReader, tag: number, draft: Draft): void {
  switch (tag) {
    case 0x08:
      draft.id = reader.uint64();
      break;
    case 0x12:
      draft.actor = readActor(reader);
      break;
    case 0x1a:
      draft.action = reader.string();
      break;
    case 0x22:
      draft.payload = readPayload(reader);
      break;
    case 0x2a:
      draft.requestId = reader.string();
      break;
    case 0x32:
      draft.metadata ??= {};
      reader.mapEntry(draft.metadata);
      break;
    case 0x3a:
      draft.caller = readCaller(reader);
      break;
    case 0x42:
      draft.chain.push(readActor(reader));
      break;
    case 0x4a:
      draft.remainingMs = reader.millis();
      break;
    case 0x52:
      draft.traceparent = reader.string();
      break;
    case 0x5a:
      draft.tracestate = reader.string();
      break;
    default:
      reader.skip(tag);
  }
}

function readRare(reader: ProtoReader, tag: number, draft: Draft): void {
  switch (tag) {
    case 0x60:
      draft.expectedRevision = reader.uint64();
      break;
    case 0x6a:
      draft.streamId = reader.string();
      break;
    case 0x70:
      draft.seq = reader.uint64();
      break;
    case 0x78:
      draft.hops = reader.uint32();
      break;
    case 0x82:
      draft.operation = readOperation(reader);
      break;
    case 0x88:
      draft.epochSeen = reader.uint64();
      break;
    default:
      reader.skip(tag);
  }
}

function received(draft: Draft, actor: ActorId, now: number): ReceivedCall {
  const { traceparent, tracestate, expectedRevision, streamId, seq, operation } = draft;
  const metadata: StringMap = draft.metadata ?? EMPTY_MAP;
  const invocation: Invocation = {
    actor,
    action: draft.action,
    payload: draft.payload,
    requestId: draft.requestId,
    metadata,
    caller: draft.caller,
    chain: draft.chain,
    deadlineMs: now + draft.remainingMs,
    trace: undefined,
    hops: draft.hops,
    ...(traceparent !== "" && { traceContext: { traceparent, tracestate } }),
    ...(expectedRevision !== undefined && { expectedRevision }),
    ...(streamId !== "" && { stream: { streamId, seq } }),
    ...(operation !== undefined && { operation }),
  };
  return { id: draft.id, invocation, epochSeen: draft.epochSeen };
}

function readOperation(reader: ProtoReader): Operation {
  const outer = reader.enter();
  let operation: Operation | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) {
      reader.bool();
      operation = { kind: "state" };
    } else if (tag === 0x10) operation = { kind: "delete", shred: reader.bool() };
    else if (tag === 0x1a) operation = readRestore(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (operation === undefined) throw new WireError("a call has an unknown operation");
  return operation;
}

function readRestore(reader: ProtoReader): Operation {
  const outer = reader.enter();
  let state: Payload | undefined;
  const tags: Record<string, string> = {};
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) state = readPayload(reader);
    else if (tag === 0x12) reader.mapEntry(tags);
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { kind: "restore", state, tags };
}
