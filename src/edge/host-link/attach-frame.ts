import type { Limits } from "../../domain/limits.ts";
import {
  type ActorType,
  ActorTypeSchema,
  type Hello,
  HelloSchema,
} from "../../gen/troupe/v1/host_pb.ts";
import { decodeError, decodeMessage } from "../gates/message.ts";
import { ProtoReader, type ReadLimits } from "../wire/reader.ts";
import { type RawHostCall, readHostCall } from "./host-calls.ts";
import { type RawResult, readResult } from "./wire-result.ts";

/** An `AttachRequest` as the host wrote it, not yet believed. */
export interface AttachFrame {
  hello: Hello | undefined;
  readonly results: RawResult[];
  readonly calls: RawHostCall[];
  credit: number;
  readonly types: ActorType[];
  ping: boolean;
  draining: boolean;
}

/** A frame of results is large by nature: its elements are bounded, as is its size in bytes. */
const FRAME_LIMITS: ReadLimits = Object.freeze({ depth: 16, elements: 200_000 });

/** Reads one frame. Throws `ServerError` (`request.invalid`) if it cannot be read. */
export function readAttachFrame(bytes: Uint8Array, limits: Limits): AttachFrame {
  const frame: AttachFrame = {
    hello: undefined,
    results: [],
    calls: [],
    credit: 0,
    types: [],
    ping: false,
    draining: false,
  };
  try {
    const reader = new ProtoReader(bytes, FRAME_LIMITS);
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag())
      readField(reader, tag, frame, limits);
    return frame;
  } catch (error) {
    throw decodeError(error);
  }
}

function readField(reader: ProtoReader, tag: number, frame: AttachFrame, limits: Limits): void {
  switch (tag) {
    case 0x0a:
      frame.hello = decodeMessage(HelloSchema, reader.view(), false, limits);
      break;
    case 0x12:
      frame.results.push(readResult(reader, limits.effectsPerTurn));
      break;
    case 0x1a:
      frame.calls.push(readHostCall(reader));
      break;
    case 0x20:
      frame.credit = reader.uint32();
      break;
    case 0x2a:
      reader.count();
      frame.types.push(decodeMessage(ActorTypeSchema, reader.view(), false, limits));
      break;
    case 0x30:
      frame.ping = reader.bool();
      break;
    case 0x38:
      frame.draining = reader.bool();
      break;
    default:
      reader.skip(tag);
  }
}
