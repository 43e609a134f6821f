/*
 * Packets and messages: [MS-TDS] 2.2.3.1, "Packet Header". A message is one or more packets of one
 * type; the last has the bit "end of message" in its status.
 */

/** Packet types that a client sends, and the one that answers: [MS-TDS] 2.2.3.1.1. */
export const PACKET = {
  batch: 0x01,
  rpc: 0x03,
  answer: 0x04,
  attention: 0x06,
  transaction: 0x0e,
  login: 0x10,
  prelogin: 0x12,
} as const;

/** Length of a packet's header. */
export const HEADER_BYTES = 8;

const STATUS_END = 0x01;
const STATUS_IGNORE = 0x02;

/** One whole message. `ignored`: the client took it back while it was being sent. */
export interface TdsMessage {
  readonly type: number;
  readonly ignored: boolean;
  readonly payload: Buffer;
}

/** Puts messages together from whatever pieces a socket gives. */
export class MessageReader {
  #rest = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** True between messages. */
  get idle(): boolean {
    return this.#rest.length === 0 && this.#parts.length === 0;
  }

  /** The messages that `bytes` completes, in order. */
  push(bytes: Uint8Array): readonly TdsMessage[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const complete: TdsMessage[] = [];
    while (this.#rest.length >= HEADER_BYTES) {
      const length = this.#rest.readUInt16BE(2);
      if (length < HEADER_BYTES) throw new Error(`a packet says that it has ${length} bytes`);
      if (this.#rest.length < length) break;
      const type = this.#rest.readUInt8(0);
      const status = this.#rest.readUInt8(1);
      this.#parts.push(this.#rest.subarray(HEADER_BYTES, length));
      this.#rest = this.#rest.subarray(length);
      if ((status & STATUS_END) === 0) continue;
      const ignored = (status & STATUS_IGNORE) !== 0;
      complete.push({ type, ignored, payload: Buffer.concat(this.#parts) });
      this.#parts = [];
    }
    return complete;
  }
}

/** One message as packets of at most `packetBytes`. */
export function packetsOf(type: number, payload: Uint8Array, packetBytes: number): Buffer {
  const room = packetBytes - HEADER_BYTES;
  const packets: Buffer[] = [];
  let number = 1;
  for (let start = 0; start === 0 || start < payload.length; start += room) {
    const part = payload.subarray(start, start + room);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(type, 0);
    header.writeUInt8(start + room >= payload.length ? STATUS_END : 0, 1);
    header.writeUInt16BE(HEADER_BYTES + part.length, 2);
    header.writeUInt8(number & 0xff, 6);
    packets.push(header, Buffer.from(part));
    number += 1;
  }
  return Buffer.concat(packets);
}
