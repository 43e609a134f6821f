/** Reads a buffer from its beginning, little-endian as TDS is; a read beyond the end throws. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new RangeError("a message ends too early");
    this.#at += length;
    return start;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  short(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  int(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  long(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** A signed integer of 1, 2, 4 or 8 bytes. */
  signed(length: number): bigint {
    const start = this.#take(length);
    if (length === 8) return this.#bytes.readBigInt64LE(start);
    return BigInt(this.#bytes.readIntLE(start, length));
  }

  bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** UTF-16 text of so many characters. */
  text(characters: number): string {
    return this.bytes(characters * 2).toString("utf16le");
  }
}
