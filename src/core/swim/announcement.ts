import type { PacketReader } from "./packet-reader.ts";

/**
 * What a member said of itself in one `alive`, kept as it was said: the part is passed on unchanged,
 * with whatever fields a newer version put into it.
 */
export class Announcement {
  /** The `alive` part, tag and length included. */
  readonly part: Uint8Array;
  readonly address: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly bootHi: number;
  readonly bootLo: number;
  readonly wireMin: number;
  readonly wireMax: number;
  readonly #metaAt: number;
  readonly #metaLength: number;

  /** Copies what the reader has read as an `alive`. */
  constructor(reader: PacketReader) {
    this.part = reader.part.slice();
    this.address = reader.address;
    this.generation = reader.generation;
    this.incarnation = reader.incarnation;
    this.bootHi = reader.bootHi;
    this.bootLo = reader.bootLo;
    this.wireMin = reader.wireMin;
    this.wireMax = reader.wireMax;
    this.#metaAt = reader.meta.byteOffset - reader.part.byteOffset;
    this.#metaLength = reader.meta.length;
  }

  /** The member's description, as a view of `part`. */
  get meta(): Uint8Array {
    return this.part.subarray(this.#metaAt, this.#metaAt + this.#metaLength);
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
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
