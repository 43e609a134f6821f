/** Bytes that are no message of the expected type. The only thing that reading them may throw. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** What one message may ask of its reader. */
export interface ReadLimits {
  /** Nesting of messages, and of unknown groups. */
  readonly depth: number;
  /** Nested messages, list elements and map entries in all. */
  readonly elements: number;
}

export const DEFAULT_READ_LIMITS: ReadLimits = Object.freeze({ depth: 64, elements: 10_000 });

/** Up to this many bytes a loop over ASCII beats the decoder. */
const SHORT_STRING = 24;
const TWO_POW_32 = 0x1_0000_0000;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NANOS_PER_MS = 1_000_000;

/**
 * Reads protobuf bytes field by field:
 *
 *     for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
 *       switch (tag) {
 *         case 0x0a: name = reader.string(); break;      // field 1, length-delimited
 *         default: reader.skip(tag);
 *       }
 *     }
 *
 * A tag is `field << 3 | wire type`, so a field of an unexpected wire type is skipped like an unknown
 * one. Nothing is read past the message; malformed bytes throw `WireError` and nothing else.
 */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  readonly #depthLimit: number;
  #elements: number;
  #depth = 0;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, limits: ReadLimits = DEFAULT_READ_LIMITS) {
    // A Buffer's `slice` would share memory where ours must copy.
    const plain = bytes.constructor === Uint8Array;
    this.#bytes = plain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#depthLimit = limits.depth;
    this.#elements = limits.elements;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** True at the end of the message. */
  get ended(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's tag, or 0 at the end of the message. */
  tag(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new WireError("a field has number 0");
    return tag;
  }

  /** Enters the nested message that comes next; give the result to `leave` after its last field. */
  enter(): number {
    this.count();
    this.#depth += 1;
    if (this.#depth > this.#depthLimit) throw new WireError("the message is nested too deeply");
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
    this.#depth -= 1;
  }

  /** Counts one element of a list of scalars; nested messages are counted by `enter`. */
  count(): void {
    this.#elements -= 1;
    if (this.#elements < 0) throw new WireError("the message has too many elements");
  }

  /** uint32, enum, bool: the low 32 bits. */
  uint32(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const second = this.#byte();
    if (second < 0x80) return (first & 0x7f) | (second << 7);
    return this.#varint((first & 0x7f) | ((second & 0x7f) << 7), 14) % TWO_POW_32;
  }

  bool(): boolean {
    const first = this.#byte();
    if (first < 0x80) return first !== 0;
    let any = (first & 0x7f) !== 0;
    for (let count = 1; count < 10; count += 1) {
      const byte = this.#byte();
      any ||= (byte & 0x7f) !== 0;
      if (byte < 0x80) return any;
    }
    throw new WireError("a number is longer than ten bytes");
  }

  /** uint64 below 2^53; a larger one is refused rather than rounded. */
  uint64(): number {
    const value = this.#varint(0, 0);
    if (value > Number.MAX_SAFE_INTEGER) throw new WireError("a number is 2^53 or more");
    return value;
  }

  /** int32 or int64 in (-2^53, 2^53). */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (index < 4) low += bits * 2 ** (7 * index);
      else if (index === 4) {
        low += (bits & 0x0f) * 2 ** 28;
        high = bits >>> 4;
      } else high += bits * 2 ** (7 * index - 32);
      if (byte < 0x80) return signed(low, high);
    }
    throw new WireError("a number is longer than ten bytes");
  }

  double(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  string(): string {
    const length = this.#length();
    const at = this.#at;
    this.#at += length;
    if (length <= SHORT_STRING) {
      const ascii = this.#ascii(at, this.#at);
      if (ascii !== undefined) return ascii;
    }
    try {
      return UTF8.decode(this.#bytes.subarray(at, this.#at));
    } catch {
      throw new WireError("a string is not UTF-8");
    }
  }

  /** A string that is most likely `likely`, ASCII; that one is then given back, which costs no memory. */
  stringLike(likely: string): string {
    const start = this.#at;
    const length = this.#length();
    let same = length === likely.length;
    for (let at = 0; same && at < length; at += 1) {
      same = this.#bytes[this.#at + at] === likely.charCodeAt(at);
    }
    if (same) {
      this.#at += length;
      return likely;
    }
    this.#at = start;
    return this.string();
  }

  /** A copy, so that what is kept does not keep the whole frame. */
  bytes(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** The bytes where they lie: valid as long as the frame. */
  view(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** One entry of a map<string, string> into `map`. */
  mapEntry(map: Record<string, string>): void {
    const outer = this.enter();
    let key = "";
    let value = "";
    for (let tag = this.tag(); tag !== 0; tag = this.tag()) {
      if (tag === 0x0a) key = this.string();
      else if (tag === 0x12) value = this.string();
      else this.skip(tag);
    }
    this.leave(outer);
    // A plain assignment of this one key would set the prototype instead.
    if (key === "__proto__") throw new WireError('a map has the key "__proto__"');
    map[key] = value;
  }

  /** google.protobuf.Duration or Timestamp in milliseconds. */
  millis(): number {
    const outer = this.enter();
    let seconds = 0;
    let nanos = 0;
    for (let tag = this.tag(); tag !== 0; tag = this.tag()) {
      if (tag === 0x08) seconds = this.int64();
      else if (tag === 0x10) nanos = this.int64();
      else this.skip(tag);
    }
    this.leave(outer);
    return seconds * 1000 + nanos / NANOS_PER_MS;
  }

  /** Passes over the field with this tag. */
  skip(tag: number): void {
    // Groups are closed one by one instead of by recursion.
    const groups: number[] = [];
    for (let next = tag; ; next = this.tag()) {
      if (next === 0) throw new WireError("a group does not end");
      const found = this.#skipOne(next);
      if (found === "group") groups.push(next >>> 3);
      if (groups.length > this.#depthLimit) throw new WireError("groups are nested too deeply");
      if (found === "end" && groups.pop() !== next >>> 3) {
        throw new WireError("a group ends out of place");
      }
      if (groups.length === 0) return;
    }
  }

  #skipOne(tag: number): "field" | "group" | "end" {
    switch (tag & 7) {
      case 0:
        this.bool();
        return "field";
      case 1:
        this.#take(8);
        return "field";
      case 2:
        this.view();
        return "field";
      case 3:
        return "group";
      case 4:
        return "end";
      case 5:
        this.#take(4);
        return "field";
      default:
        throw new WireError("a field has an unknown wire type");
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new WireError("the message ends within a field");
    const byte = this.#bytes[this.#at] as number;
    this.#at += 1;
    return byte;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw new WireError("the message ends within a field");
    this.#at += bytes;
    return at;
  }

  #length(): number {
    const first = this.#byte();
    // Not cut to 32 bits, so that no huge length passes for a small one.
    const length = first < 0x80 ? first : this.#varint(first & 0x7f, 7);
    if (length > this.#end - this.#at) throw new WireError("the message ends within a field");
    return length;
  }

  #varint(start: number, startShift: number): number {
    let value = start;
    let factor = 2 ** startShift;
    for (let shift = startShift; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte < 0x80) return value;
    }
    throw new WireError("a number is longer than ten bytes");
  }

  #ascii(from: number, to: number): string | undefined {
    let text = "";
    for (let at = from; at < to; at += 1) {
      const byte = this.#bytes[at] as number;
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }
}

function signed(low: number, high: number): number {
  const bits = high % TWO_POW_32;
  const value =
    bits >= 0x8000_0000 ? (bits - TWO_POW_32) * TWO_POW_32 + low : bits * TWO_POW_32 + low;
  if (!Number.isSafeInteger(value)) throw new WireError("a number is beyond 2^53");
  return value;
}
