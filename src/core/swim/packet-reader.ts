import { xxHash64 } from "../../std/hash/xx-hash64.ts";
import { META_BYTES } from "./node-meta.ts";
import {
  ADDRESS_BYTES,
  ALIVE_FIXED_BYTES,
  HEADER_BYTES,
  LEFT_PART,
  NAME_BYTES,
  WIRE_VERSION,
} from "./wire.ts";

const NOTHING = new Uint8Array(0);

/** Why a whole packet is dropped before any part of it is read. */
export type HeaderFault = "short" | "magic" | "version";

/**
 * Reads a packet part by part. Total: whatever the bytes are, nothing throws, nothing is read beyond
 * their end and next to nothing is allocated. The fields hold what the last call read; the `read…`
 * methods answer false if the part is malformed, and then their fields mean nothing.
 */
export class PacketReader {
  #bytes: Uint8Array = NOTHING;
  #next = 0;
  #at = 0;
  #end = 0;
  clusterHash = 0;
  senderHi = 0;
  senderLo = 0;
  senderGeneration = 0;
  senderIncarnation = 0;
  digest = 0;
  /** Tag of the part that `next` has found, and the offset at which it begins. */
  tag = 0;
  partStart = 0;
  seq = 0;
  nackDelayMs = 0;
  /** Whom a statement is about, when it holds and who says so. */
  idHi = 0;
  idLo = 0;
  generation = 0;
  incarnation = 0;
  fromHi = 0;
  fromLo = 0;
  ageS = 0;
  bootHi = 0;
  bootLo = 0;
  wireMin = 0;
  wireMax = 0;
  strategyDigest = 0;
  otherDigest = 0;
  reason = 0;
  #nameAt = 0;
  #nameLength = 0;
  #addressAt = 0;
  #addressLength = 0;
  #metaAt = 0;
  #metaLength = 0;
  /** A copy of the name, which the hash wants at the start of an array. */
  readonly #hashed = new Uint8Array(NAME_BYTES);
  readonly #hash = { hi: 0, lo: 0 };

  /** Begins with a packet; the bytes must not change while it is read. */
  open(bytes: Uint8Array, magic: number): HeaderFault | undefined {
    this.#bytes = bytes;
    if (bytes.length < 2) return "short";
    if (bytes[0] !== magic) return "magic";
    if (bytes[1] !== WIRE_VERSION) return "version";
    if (bytes.length < HEADER_BYTES) return "short";
    this.clusterHash = this.#u32(2);
    this.senderHi = this.#u32(6);
    this.senderLo = this.#u32(10);
    this.senderGeneration = this.#u48(14);
    this.senderIncarnation = this.#u32(20);
    this.digest = this.#u32(24);
    this.#next = HEADER_BYTES;
    return undefined;
  }

  /** Lets go of the packet. */
  close(): void {
    this.#bytes = NOTHING;
    this.#next = 0;
  }

  /** Goes on to the next whole part. False at the end, and where a part is cut off. */
  next(): boolean {
    const bytes = this.#bytes;
    const start = this.#next;
    const first = bytes[start + 1];
    if (first === undefined) return false;
    const isLong = first >= 0x80;
    const at = start + (isLong ? 3 : 2);
    const length = isLong ? ((first & 0x7f) << 8) | (bytes[start + 2] ?? 0) : first;
    if (at + length > bytes.length) return false;
    this.tag = bytes[start] ?? 0;
    this.partStart = start;
    this.#at = at;
    this.#end = at + length;
    this.#next = this.#end;
    return true;
  }

  /** Whether `next` ended at the end of the packet and not before a part that is cut off. */
  get isWhole(): boolean {
    return this.#next === this.#bytes.length;
  }

  /** The bytes of the part, tag and length included: a view that is good until the packet is reused. */
  get part(): Uint8Array {
    return this.#bytes.subarray(this.partStart, this.#end);
  }

  /** Whether the part is this one, byte for byte. */
  isPart(part: Uint8Array): boolean {
    const start = this.partStart;
    if (this.#end - start !== part.length) return false;
    for (let i = 0; i < part.length; i += 1) if (this.#bytes[start + i] !== part[i]) return false;
    return true;
  }

  readPing(): boolean {
    if (!this.#has(8)) return false;
    this.seq = this.#u32(this.#at);
    this.idLo = this.#u32(this.#at + 4);
    return true;
  }

  readPingRequest(): boolean {
    if (!this.#has(14)) return false;
    this.seq = this.#u32(this.#at);
    this.nackDelayMs = this.#u16(this.#at + 4);
    this.idHi = this.#u32(this.#at + 6);
    this.idLo = this.#u32(this.#at + 10);
    return true;
  }

  /** An ack or a nack. */
  readAnswer(): boolean {
    if (!this.#has(4)) return false;
    this.seq = this.#u32(this.#at);
    return true;
  }

  readSync(): boolean {
    if (!this.#has(8)) return false;
    this.strategyDigest = this.#u32(this.#at);
    this.otherDigest = this.#u32(this.#at + 4);
    return true;
  }

  readRefused(): boolean {
    if (!this.#has(1)) return false;
    this.reason = this.#bytes[this.#at] ?? 0;
    return true;
  }

  /** A suspect, dead or left part; the age is 0 where none is given. */
  readStatement(): boolean {
    const fixed = this.tag === LEFT_PART ? 18 : 26;
    if (!this.#has(fixed)) return false;
    const at = this.#at;
    this.idHi = this.#u32(at);
    this.idLo = this.#u32(at + 4);
    this.generation = this.#u48(at + 8);
    this.incarnation = this.#u32(at + 14);
    this.fromHi = this.tag === LEFT_PART ? this.idHi : this.#u32(at + 18);
    this.fromLo = this.tag === LEFT_PART ? this.idLo : this.#u32(at + 22);
    this.ageS = this.#has(fixed + 4) ? this.#u32(at + fixed) : 0;
    return true;
  }

  readAlive(): boolean {
    if (!this.#has(ALIVE_FIXED_BYTES)) return false;
    const at = this.#at;
    this.generation = this.#u48(at);
    this.incarnation = this.#u32(at + 6);
    this.bootHi = this.#u32(at + 10);
    this.bootLo = this.#u32(at + 14);
    this.wireMin = this.#bytes[at + 18] ?? 0;
    this.wireMax = this.#bytes[at + 19] ?? 0;
    this.#nameAt = at + 21;
    this.#nameLength = this.#bytes[at + 20] ?? 0;
    this.#addressAt = this.#nameAt + this.#nameLength + 1;
    if (this.#addressAt > this.#end) return false;
    this.#addressLength = this.#bytes[this.#addressAt - 1] ?? 0;
    const metaHead = this.#addressAt + this.#addressLength;
    if (metaHead + 2 > this.#end) return false;
    this.#metaAt = metaHead + 2;
    this.#metaLength = this.#u16(metaHead);
    if (this.#metaAt + this.#metaLength > this.#end || !this.#isAliveSane()) return false;
    for (let i = 0; i < this.#nameLength; i += 1) {
      this.#hashed[i] = this.#bytes[this.#nameAt + i] ?? 0;
    }
    xxHash64(this.#hashed, this.#nameLength, 0, this.#hash);
    this.idHi = this.#hash.hi >>> 0;
    this.idLo = this.#hash.lo >>> 0;
    return true;
  }

  get name(): string {
    return this.#text(this.#nameAt, this.#nameLength);
  }

  get address(): string {
    return this.#text(this.#addressAt, this.#addressLength);
  }

  /** The description, as a view. */
  get meta(): Uint8Array {
    return this.#bytes.subarray(this.#metaAt, this.#metaAt + this.#metaLength);
  }

  get bootId(): string {
    return hex(this.bootHi) + hex(this.bootLo);
  }

  #isAliveSane(): boolean {
    if (this.#nameLength < 1 || this.#nameLength > NAME_BYTES) return false;
    if (this.#addressLength < 1 || this.#addressLength > ADDRESS_BYTES) return false;
    if (this.#metaLength > META_BYTES || this.wireMin > this.wireMax) return false;
    return (
      this.#isPrintable(this.#nameAt, this.#nameLength) &&
      this.#isPrintable(this.#addressAt, this.#addressLength)
    );
  }

  #isPrintable(at: number, length: number): boolean {
    for (let i = at; i < at + length; i += 1) {
      const byte = this.#bytes[i] ?? 0;
      if (byte < 0x21 || byte > 0x7e) return false;
    }
    return true;
  }

  #text(at: number, length: number): string {
    // In one call: a text that grows by the character costs thirty times its size.
    return String.fromCharCode(...this.#bytes.subarray(at, at + length));
  }

  #has(length: number): boolean {
    return this.#end - this.#at >= length;
  }

  #u16(at: number): number {
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  #u32(at: number): number {
    return ((this.#u16(at) << 16) | this.#u16(at + 2)) >>> 0;
  }

  #u48(at: number): number {
    return this.#u16(at) * 0x100000000 + this.#u32(at + 2);
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
