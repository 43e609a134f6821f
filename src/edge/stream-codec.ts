import { toBinary } from "@bufbuild/protobuf";
import type { ServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { CallErrorSchema } from "../gen/troupe/v1/invocation_pb.ts";
import { toCallError } from "./error-map.ts";
import { decodeError } from "./gates/message.ts";
import { BLANK_CALL, type InvokeCall } from "./invoke-call.ts";
import { readInvoke, writeReply } from "./invoke-codec.ts";
import { ProtoReader, WireError } from "./wire/reader.ts";
import type { ProtoWriter } from "./wire/writer.ts";

/** One frame of a caller's stream. */
export interface CallFrame {
  readonly calls: readonly StreamedCall[];
  /** Ids of calls that are taken back. */
  readonly cancel: readonly number[];
}

/** One call of a stream, under the id its caller chose. */
export interface StreamedCall {
  readonly id: number;
  readonly call: InvokeCall;
}

/** How much more a frame may hold than the message of a single call. */
const CALLS_PER_FRAME = 8;

/** Nested messages and list elements of one frame. */
export const frameElements = (limits: Limits): number => limits.messageElements * CALLS_PER_FRAME;

/** The hand-made codec of `InvokeStreamRequest`. Throws `ServerError` (`request.invalid`). */
export function decodeCallFrame(bytes: Uint8Array, limits: Limits): CallFrame {
  try {
    const elements = frameElements(limits);
    const reader = new ProtoReader(bytes, { depth: limits.messageDepth, elements });
    const calls: StreamedCall[] = [];
    const cancel: number[] = [];
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === 0x0a) calls.push(readCall(reader));
      else if (tag === 0x10) cancel.push(readId(reader));
      else if (tag === 0x12) readPackedIds(reader, cancel);
      else if (tag >>> 3 <= 2) throw new WireError("a field has the wrong wire type");
      else reader.skip(tag);
    }
    return { calls, cancel };
  } catch (error) {
    throw decodeError(error);
  }
}

function readCall(reader: ProtoReader): StreamedCall {
  const outer = reader.enter();
  let id = 0;
  let call = BLANK_CALL;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) id = reader.uint64();
    else if (tag === 0x12) {
      const frame = reader.enter();
      call = readInvoke(reader);
      reader.leave(frame);
    } else if (tag >>> 3 <= 2) throw new WireError("a field has the wrong wire type");
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { id, call };
}

function readId(reader: ProtoReader): number {
  reader.count();
  return reader.uint64();
}

/** The elements of a packed list follow each other without tags. */
function readPackedIds(reader: ProtoReader, ids: number[]): void {
  const packed = reader.view();
  const list = new ProtoReader(packed);
  for (let left = elementsOf(packed); left > 0; left -= 1) {
    reader.count();
    ids.push(list.uint64());
  }
}

/** A varint ends with its first byte below 0x80; one that never ends is read, and refused, too. */
function elementsOf(packed: Uint8Array): number {
  const ends = packed.reduce((sum, byte) => sum + (byte < 0x80 ? 1 : 0), 0);
  return packed.length > 0 && (packed.at(-1) as number) >= 0x80 ? ends + 1 : ends;
}

/** Adds a reply to an `InvokeStreamResponse`. */
export function writeResult(writer: ProtoWriter, id: number, reply: Reply): void {
  const result = writer.begin(1);
  writer.uint(1, id);
  const response = writer.begin(2);
  writeReply(writer, reply);
  writer.end(response);
  writer.end(result);
}

/** Adds a refusal to an `InvokeStreamResponse`. */
export function writeRefusal(writer: ProtoWriter, id: number, error: ServerError): void {
  const result = writer.begin(1);
  writer.uint(1, id);
  writer.presentBytes(3, toBinary(CallErrorSchema, toCallError(error)));
  writer.end(result);
}
