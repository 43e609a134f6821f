import { ServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";

/*
 * A recorded reply as bytes:
 *   version (1) | revision (8, big endian) | type length (2) | metadata length (4) | type | metadata JSON | data
 */
const VERSION = 1;
const HEADER_BYTES = 15;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The reply as it is recorded under its request id. */
export function encodeReply(reply: Reply): Uint8Array {
  const { payload, metadata } = reply;
  const type = encoder.encode(payload.type);
  const fields = Object.keys(metadata).length === 0 ? "" : JSON.stringify(metadata);
  const meta = encoder.encode(fields);
  const bytes = new Uint8Array(HEADER_BYTES + type.length + meta.length + payload.data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setBigUint64(1, BigInt(reply.revision));
  view.setUint16(9, type.length);
  view.setUint32(11, meta.length);
  bytes.set(type, HEADER_BYTES);
  bytes.set(meta, HEADER_BYTES + type.length);
  bytes.set(payload.data, HEADER_BYTES + type.length + meta.length);
  return bytes;
}

/** The recorded reply; throws `state.corrupt` for bytes that are not one. */
export function decodeReply(bytes: Uint8Array): Reply {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint8(0) !== VERSION) throw new RangeError("version");
    const typeEnd = HEADER_BYTES + view.getUint16(9);
    const metaEnd = typeEnd + view.getUint32(11);
    if (metaEnd > bytes.length) throw new RangeError("length");
    const meta = decoder.decode(bytes.subarray(typeEnd, metaEnd));
    return {
      payload: {
        type: decoder.decode(bytes.subarray(HEADER_BYTES, typeEnd)),
        data: bytes.slice(metaEnd),
      },
      revision: Number(view.getBigUint64(1)),
      durable: true,
      replayed: true,
      metadata: meta === "" ? {} : (JSON.parse(meta) as Record<string, string>),
    };
  } catch (cause) {
    throw new ServerError("state.corrupt", "a recorded reply cannot be read", "not_applied", {
      reason: "REPLY_DECODE",
      cause,
    });
  }
}
