const UTF8 = new TextEncoder();

/** Up to this many UTF-16 units a loop over ASCII beats the encoder. */
const SHORT_STRING = 48;
const TWO_POW_7 = 0x80;
const TWO_POW_28 = 0x1000_0000;
const TWO_POW_32 = 0x1_0000_0000;
const NANOS_PER_MS = 1_000_000;

/**
 * Writes protobuf bytes field by field into one growing buffer. Values that equal the default of
 * proto3 are left out, as every encoder does; the methods that begin with `present` write them too
 * (elements of lists, `optional` fields). Wire format: protobuf.dev/programming-guides/encoding.
 *
 * A nested message is written between `begin` and `end`. One writer serves one owner at a time;
 * `reset` makes it ready for the next message and keeps its buffer.
 */
export class ProtoWriter {
  #buffer: Uint8Array;
  #at = 0;

  constructor(initialBytes = 1024) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  /** Forgets everything written. A buffer that one huge message blew up is let go. */
  reset(keepBytes = 1_048_576): void {
    if (this.#buffer.length > keepBytes) this.#buffer = new Uint8Array(1024);
    this.#at = 0;
  }

  /** Forgets everything written after the first `length` bytes. */
  truncate(length: number): void {
    this.#at = length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }

  /** What was written, without a copy: valid until the next write or reset. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Leaves room for a frame's prefix, to be filled by `prefix` when the length is known. */
  reserve(bytes: number): void {
    this.#room(bytes);
    this.#buffer.fill(0, this.#at, this.#at + bytes);
    this.#at += bytes;
  }

  /** Fills the five bytes at `offset`: flags, then the length of all that follows, big endian. */
  prefix(offset: number, flags: number): void {
    const length = this.#at - offset - 5;
    this.#buffer[offset] = flags;
    this.#buffer[offset + 1] = length >>> 24;
    this.#buffer[offset + 2] = length >>> 16;
    this.#buffer[offset + 3] = length >>> 8;
    this.#buffer[offset + 4] = length;
  }

  /** uint32, uint64, enum: a whole number in [0, 2^53). */
  uint(field: number, value: number): void {
    if (value !== 0) this.presentUint(field, value);
  }

  presentUint(field: number, value: number): void {
    this.#room(16);
    this.#varint(field << 3);
    this.#varint(value);
  }

  /** int32, int64: a whole number, |value| < 2^53; a negative one takes ten bytes. */
  int(field: number, value: number): void {
    if (value >= 0) return this.uint(field, value);
    this.#room(16);
    this.#varint(field << 3);
    this.#negative(value);
  }

  bool(field: number, value: boolean): void {
    if (value) this.presentUint(field, 1);
  }

  double(field: number, value: number): void {
    if (Object.is(value, 0)) return;
    this.#room(16);
    this.#varint((field << 3) | 1);
    new DataView(this.#buffer.buffer).setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  string(field: number, value: string): void {
    if (value !== "") this.presentString(field, value);
  }

  presentString(field: number, value: string): void {
    const units = value.length;
    // A UTF-16 unit becomes at most three bytes.
    this.#room(units * 3 + 16);
    this.#varint((field << 3) | 2);
    if (units <= SHORT_STRING && this.#ascii(value, units)) return;
    const mark = this.#at;
    this.#at += 1;
    this.#at += UTF8.encodeInto(value, this.#buffer.subarray(this.#at)).written;
    this.end(mark);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.presentBytes(field, value);
  }

  presentBytes(field: number, value: Uint8Array): void {
    this.#room(value.length + 16);
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Opens a nested message; give the result to `end`. An empty message is written, too. */
  begin(field: number): number {
    this.#room(16);
    this.#varint((field << 3) | 2);
    this.#at += 1;
    return this.#at - 1;
  }

  /** Closes the nested message that `begin` opened. Messages close in reverse order. */
  end(mark: number): void {
    const length = this.#at - mark - 1;
    if (length < TWO_POW_7) {
      this.#buffer[mark] = length;
      return;
    }
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < TWO_POW_28 ? 3 : 4;
    this.#room(extra);
    this.#buffer.copyWithin(mark + 1 + extra, mark + 1, this.#at);
    this.#at = mark;
    this.#varint(length);
    this.#at += length;
  }

  /** map<string, string>, in the order of the record's keys. */
  map(field: number, entries: Readonly<Record<string, string>>): void {
    for (const key in entries) {
      const mark = this.begin(field);
      this.presentString(1, key);
      this.presentString(2, entries[key] ?? "");
      this.end(mark);
    }
  }

  /** google.protobuf.Duration or Timestamp from milliseconds; both have the same two fields. */
  millis(field: number, ms: number): void {
    const seconds = Math.trunc(ms / 1000);
    const mark = this.begin(field);
    this.int(1, seconds);
    this.int(2, Math.trunc((ms - seconds * 1000) * NANOS_PER_MS));
    this.end(mark);
  }

  #ascii(value: string, units: number): boolean {
    const buffer = this.#buffer;
    let at = this.#at + 1;
    for (let index = 0; index < units; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      buffer[at] = unit;
      at += 1;
    }
    buffer[this.#at] = units;
    this.#at = at;
    return true;
  }

  #varint(value: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let rest = value;
    while (rest >= TWO_POW_28) {
      buffer[at] = (rest % TWO_POW_7) | TWO_POW_7;
      rest = Math.floor(rest / TWO_POW_7);
      at += 1;
    }
    while (rest > 0x7f) {
      buffer[at] = (rest & 0x7f) | TWO_POW_7;
      rest >>>= 7;
      at += 1;
    }
    buffer[at] = rest;
    this.#at = at + 1;
  }

  /** Two's complement of 64 bits, which is how protobuf writes every negative int32 and int64. */
  #negative(value: number): void {
    let low = value >>> 0;
    let high = Math.floor(value / TWO_POW_32) >>> 0;
    for (let index = 0; index < 9; index += 1) {
      this.#buffer[this.#at] = (low & 0x7f) | TWO_POW_7;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
      this.#at += 1;
    }
    this.#buffer[this.#at] = 1;
    this.#at += 1;
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = grown;
  }
}
