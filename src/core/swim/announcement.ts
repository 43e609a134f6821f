import type { PacketReader } from "./packet-reader.ts";

/**
 * What a member said of itself in one `alive`, kept as it was said: the part is passed on unchanged,
 * with whatever fields a newer version put into it. Numbers are read from the bytes when asked for,
 * so that a large cluster costs little more than its bytes.
 */
export class Announcement {
  /** The `alive` part, tag and length included. */
  readonly part: Uint8Array;
  readonly address: string;

  /** Copies what the reader has read as an `alive`. */
  constructor(reader: PacketReader) {
    this.part = reader.part.slice();
    this.address = reader.address;
  }

  get generation(): number {
    return this.#u32(0) * 0x10000 + this.#u16(4);
  }

  get incarnation(): number {
    return this.#u32(6);
  }

  get bootHi(): number {
    return this.#u32(10);
  }

  get bootLo(): number {
    return this.#u32(14);
  }

  get wireMin(): number {
    return this.#u16(18) >> 8;
  }

  get wireMax(): number {
    return this.#u16(18) & 0xff;
  }

  /** The member's description, as a view of `part`. */
  get meta(): Uint8Array {
    const nameBytes = 1 + (this.#u16(20) >> 8);
    const metaAt = 20 + nameBytes + 1 + this.address.length;
    const start = this.#bodyAt + metaAt + 2;
    return this.part.subarray(start, start + this.#u16(metaAt));
  }

  get bootId(): string {
    const [hi, lo] = [this.bootHi, this.bootLo].map((half) => half.toString(16).padStart(8, "0"));
    return `${hi}${lo}`;
  }

  /** Whether address, versions and description are what `other` says too. */
  describesAs(other: Announcement): boolean {
    return (
      this.address === other.address &&
      this.wireMin === other.wireMin &&
      this.wireMax === other.wireMax &&
      sameBytes(this.meta, other.meta)
    );
  }

  get #bodyAt(): number {
    return (this.part[1] ?? 0) < 0x80 ? 2 : 3;
  }

  #u32(at: number): number {
    return ((this.#u16(at) << 16) | this.#u16(at + 2)) >>> 0;
  }

  /** From the body of the part, of which the reader has seen that it is whole. */
  #u16(at: number): number {
    const start = this.#bodyAt + at;
    return ((this.part[start] ?? 0) << 8) | (this.part[start + 1] ?? 0);
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
