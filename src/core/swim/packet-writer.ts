import { assert } from "../../std/assert.ts";
import {
  ACK,
  ALIVE_FIXED_BYTES,
  ALIVE_PART,
  type AliveFields,
  type Header,
  LEFT_PART,
  type MemberId,
  NACK,
  PING,
  PING_REQUEST,
  REFUSED,
  SYNC,
  WIRE_VERSION,
} from "./wire.ts";

/** Writes a header and parts one behind the other into a buffer of its own, used again and again. */
export class PacketWriter {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Begins anew. */
  begin(magic: number, header: Header): void {
    this.#length = 0;
    this.u8(magic);
    this.u8(WIRE_VERSION);
    this.u32(header.clusterHash);
    this.id(header.sender);
    this.u48(header.generation);
    this.u32(header.incarnation);
    this.u32(header.digest);
  }

  /** Begins anew without a header: for parts that are kept. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** A part that is encoded already. */
  part(part: Uint8Array): void {
    assert(this.#length + part.length <= this.#bytes.length, "a part fits into its packet");
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  ping(seq: number, target: MemberId): void {
    this.head(PING, 8);
    this.u32(seq);
    this.u32(target.lo);
  }

  pingRequest(seq: number, nackDelayMs: number, target: MemberId): void {
    this.head(PING_REQUEST, 14);
    this.u32(seq);
    this.u16(nackDelayMs);
    this.id(target);
  }

  answer(tag: typeof ACK | typeof NACK, seq: number): void {
    this.head(tag, 4);
    this.u32(seq);
  }

  sync(strategyDigest: number, otherDigest: number): void {
    this.head(SYNC, 8);
    this.u32(strategyDigest);
    this.u32(otherDigest);
  }

  refused(reason: number): void {
    this.head(REFUSED, 1);
    this.u8(reason);
  }

  /** A statement about a member by another; `ageS` is how long ago it was concluded, in frames. */
  statement(tag: number, about: MemberId, at: At, from: MemberId, ageS?: number): void {
    const isLeft = tag === LEFT_PART;
    this.head(tag, 18 + (isLeft ? 0 : 8) + (ageS === undefined ? 0 : 4));
    this.id(about);
    this.u48(at.generation);
    this.u32(at.incarnation);
    if (!isLeft) this.id(from);
    if (ageS !== undefined) this.u32(ageS);
  }

  alive(fields: AliveFields): void {
    const { name, address, meta } = fields;
    this.head(ALIVE_PART, ALIVE_FIXED_BYTES + name.length + address.length + meta.length);
    this.u48(fields.generation);
    this.u32(fields.incarnation);
    this.u32(Number.parseInt(fields.bootId.slice(0, 8), 16));
    this.u32(Number.parseInt(fields.bootId.slice(8), 16));
    this.u8(fields.wireMin);
    this.u8(fields.wireMax);
    this.#text(name);
    this.#text(address);
    this.u16(meta.length);
    this.part(meta);
  }

  head(tag: number, length: number): void {
    this.u8(tag);
    if (length < 0x80) this.u8(length);
    else this.u16(0x8000 | length);
  }

  id(id: MemberId): void {
    this.u32(id.hi);
    this.u32(id.lo);
  }

  u48(value: number): void {
    this.u16(Math.floor(value / 0x100000000));
    this.u32(value);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  u16(value: number): void {
    this.u8(value >>> 8);
    this.u8(value);
  }

  u8(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** Names and addresses are printable ASCII: one byte a character. */
  #text(text: string): void {
    this.u8(text.length);
    for (let i = 0; i < text.length; i += 1) this.u8(text.charCodeAt(i));
  }
}

/** When a statement holds. */
export interface At {
  readonly generation: number;
  readonly incarnation: number;
}
