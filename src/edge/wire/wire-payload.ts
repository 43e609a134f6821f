import { EMPTY_BYTES, EMPTY_PAYLOAD, JSON_TYPE, type Payload } from "../../domain/invocation.ts";
import type { ProtoReader } from "./reader.ts";
import type { ProtoWriter } from "./writer.ts";

/** Writes a `Payload`, an empty one too. */
export function writePayload(writer: ProtoWriter, field: number, { type, data }: Payload): void {
  const mark = writer.begin(field);
  writer.string(1, type);
  writer.bytes(2, data);
  writer.end(mark);
}

/** Reads the `Payload` that comes next; its bytes are a copy. */
export function readPayload(reader: ProtoReader): Payload {
  const outer = reader.enter();
  let type = "";
  let data = EMPTY_BYTES;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) type = reader.stringLike(JSON_TYPE);
    else if (tag === 0x12) data = reader.bytes();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return type === "" && data.length === 0 ? EMPTY_PAYLOAD : { type, data };
}
