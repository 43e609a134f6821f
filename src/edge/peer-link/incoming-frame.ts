import { DEFAULT_READ_LIMITS, ProtoReader, type ReadLimits } from "../wire/reader.ts";
import { type ReceivedAnswer, readAnswer } from "./wire-answer.ts";
import { type ReceivedCall, readCall } from "./wire-call.ts";

/** Who takes the entries of a frame, in the order in which they lie in it. */
export interface FrameEntries {
  call(call: ReceivedCall): void;
  answer(answer: ReceivedAnswer): void;
  cancel(id: number): void;
  message(topic: string, body: Uint8Array): void;
  ping(): void;
}

/** A frame holds many calls, so it may hold more elements than the message of one caller. */
const LIMITS: ReadLimits = { ...DEFAULT_READ_LIMITS, elements: 1_000_000 };

/**
 * Reads one frame of a connection that has shaken hands. Throws `WireError` for bytes that are no
 * frame; entries before the fault have been given out by then.
 */
export function readFrame(frame: Uint8Array, now: number, entries: FrameEntries): void {
  const reader = new ProtoReader(frame, LIMITS);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x22:
        entries.call(readCall(reader, now));
        break;
      case 0x2a:
        entries.answer(readAnswer(reader));
        break;
      case 0x30:
        reader.count();
        entries.cancel(reader.uint64());
        break;
      case 0x32:
        // A packed list, as generated encoders write it.
        readPacked(reader, entries);
        break;
      case 0x3a:
        readMessage(reader, entries);
        break;
      case 0x40:
        if (reader.bool()) entries.ping();
        break;
      default:
        reader.skip(tag);
    }
  }
}

function readPacked(reader: ProtoReader, entries: FrameEntries): void {
  const packed = new ProtoReader(reader.view());
  while (!packed.ended) {
    reader.count();
    entries.cancel(packed.uint64());
  }
}

function readMessage(reader: ProtoReader, entries: FrameEntries): void {
  const outer = reader.enter();
  let topic = "";
  let body = new Uint8Array(0);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) topic = reader.string();
    else if (tag === 0x12) body = reader.bytes() as Uint8Array<ArrayBuffer>;
    else reader.skip(tag);
  }
  reader.leave(outer);
  entries.message(topic, body);
}
