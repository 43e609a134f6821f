const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true });
/** Up to this length a text is tried as ASCII, which is quicker than a call of the encoder. */
const SHORT_TEXT = 96;

/** Writes values one after another into one growing buffer. Integers up to 2^53 - 1. */
export class FrameWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  readonly #names = new Map<string, number>();

  /** Writes over `buffer`, which may be one that an earlier frame has been read from. */
  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** The buffer behind what was written; longer than the frame. The writer is spent. */
  take(): ArrayBuffer {
    return this.#bytes.buffer;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A small non-negative integer in 1 to 5 bytes. */
  count(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Any integer that a double holds, in 8 bytes. */
  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(value: Uint8Array): void {
    this.count(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    this.bytes(ENCODER.encode(value));
  }

  /** A text that comes again and again in one frame: written once. */
  name(value: string): void {
    const seen = this.#names.get(value);
    this.count(seen ?? 0);
    if (seen !== undefined) return;
    this.#names.set(value, this.#names.size + 1);
    this.text(value);
  }

  #ascii(value: string): boolean {
    const start = this.#length;
    this.count(value.length);
    this.#reserve(value.length);
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.#length = start;
        return false;
      }
      this.#bytes[this.#length++] = code;
    }
    return true;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what a `FrameWriter` wrote. Throws `RangeError` or `TypeError` for anything else. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  readonly #names: string[] = [];

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError("the frame ends early");
    this.#at += 1;
    return value;
  }

  count(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new RangeError("the count is too long");
  }

  number(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    if (!Number.isSafeInteger(value)) throw new RangeError("the number is not an integer");
    return value;
  }

  /** A view into the frame, good for as long as the frame's buffer. */
  bytes(): Uint8Array {
    const length = this.count();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("the frame ends early");
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  text(): string {
    return DECODER.decode(this.bytes());
  }

  name(): string {
    const seen = this.count();
    if (seen === 0) {
      const value = this.text();
      this.#names.push(value);
      return value;
    }
    const value = this.#names[seen - 1];
    if (value === undefined) throw new RangeError("the name was never written");
    return value;
  }
}
