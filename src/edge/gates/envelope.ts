import { EMPTY_BYTES } from "../../domain/invocation.ts";
import { refuse, tooLarge, unsupported } from "./refusal.ts";

export const PREFIX_BYTES = 5;
const COMPRESSED_FLAG = 0x01;

/** Puts the five bytes of gRPC and Connect streams before a message. */
export function envelope(flags: number, message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(PREFIX_BYTES + message.length);
  framed[0] = flags;
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

const lengthAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);

/** Flags of an uncompressed message. Throws `ServerError` for any other than those allowed. */
function checkFlags(flags: number): void {
  if ((flags & COMPRESSED_FLAG) !== 0) throw refuse("BAD_COMPRESSION");
  if (flags !== 0) throw refuse("ENVELOPE_FLAGS");
}

/** The one message of a unary request. Throws `ServerError` unless there is exactly one, whole. */
export function unwrapSingle(body: Uint8Array): Uint8Array {
  if (body.length === 0) {
    throw unsupported("a unary call carries exactly one message", "MESSAGE_COUNT");
  }
  if (body.length < PREFIX_BYTES) throw refuse("ENVELOPE");
  checkFlags(body[0] as number);
  const end = PREFIX_BYTES + lengthAt(body, 0);
  if (body.length < end) throw refuse("ENVELOPE");
  if (body.length > end) {
    throw unsupported("a unary call carries exactly one message", "MESSAGE_COUNT");
  }
  return body.subarray(PREFIX_BYTES);
}

/** One frame of a stream. */
export interface Envelope {
  readonly flags: number;
  readonly message: Uint8Array;
}

/**
 * Takes a stream's bytes apart into envelopes, keeping at most one incomplete one, which is refused
 * as soon as its prefix says that it is above the limit.
 */
export class EnvelopeSplitter {
  readonly #limitBytes: number;
  #rest: Uint8Array = EMPTY_BYTES;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #wanted = PREFIX_BYTES;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The envelopes that `chunk` completes. Throws `ServerError` if one is too large. */
  push(chunk: Uint8Array): readonly Envelope[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return [];
    this.#join();
    const found: Envelope[] = [];
    let at = 0;
    for (;;) {
      const left = this.#rest.length - at;
      this.#wanted = PREFIX_BYTES;
      if (left < PREFIX_BYTES) break;
      const length = lengthAt(this.#rest, at);
      if (length > this.#limitBytes) throw tooLarge();
      this.#wanted = PREFIX_BYTES + length;
      if (left < this.#wanted) break;
      const start = at + PREFIX_BYTES;
      at += this.#wanted;
      found.push({
        flags: this.#rest[start - PREFIX_BYTES] as number,
        message: this.#rest.subarray(start, at),
      });
    }
    this.#rest = this.#rest.subarray(at);
    this.#held = this.#rest.length;
    this.#chunks = this.#held === 0 ? [] : [this.#rest];
    return found;
  }

  /** Throws `ServerError` if the stream ended within an envelope. */
  end(): void {
    if (this.#held > 0) throw refuse("ENVELOPE");
  }

  #join(): void {
    if (this.#chunks.length === 1) {
      this.#rest = this.#chunks[0] as Uint8Array;
      return;
    }
    this.#rest = new Uint8Array(this.#held);
    let at = 0;
    for (const chunk of this.#chunks) {
      this.#rest.set(chunk, at);
      at += chunk.length;
    }
  }
}

/** How compressed messages are opened: the library's algorithms fit. */
export interface Decompression {
  readonly name: string;
  decompress(bytes: Uint8Array, limitBytes: number): Promise<Uint8Array>;
}

/** Picks the algorithm that a header names. Throws `ServerError` (unimplemented) for unknown ones. */
export function decompressionFor(
  encoding: string | undefined,
  known: readonly Decompression[],
): Decompression | undefined {
  if (encoding === undefined || encoding === "" || encoding === "identity") return undefined;
  const found = known.find(({ name }) => name === encoding);
  if (found === undefined) {
    throw unsupported("the compression of the request is not supported", "COMPRESSION");
  }
  return found;
}

/** The plain message of bytes that are compressed. Rejects with `ServerError`; bombs are cut off. */
export async function inflate(
  bytes: Uint8Array,
  decompression: Decompression,
  limitBytes: number,
): Promise<Uint8Array> {
  try {
    return await decompression.decompress(bytes, limitBytes);
  } catch (error) {
    // The library says "resource exhausted" (8) for what would grow beyond the limit.
    const bomb = error instanceof Error && "code" in error && error.code === 8;
    throw bomb ? tooLarge() : refuse("BAD_COMPRESSION");
  }
}

/** The plain message of one envelope. Rejects with `ServerError`. */
export async function open(
  { flags, message }: Envelope,
  decompression: Decompression | undefined,
  limitBytes: number,
): Promise<Uint8Array> {
  const plain = (flags & COMPRESSED_FLAG) === 0;
  checkFlags(plain || decompression === undefined ? flags : flags & ~COMPRESSED_FLAG);
  return plain || decompression === undefined
    ? message
    : inflate(message, decompression, limitBytes);
}
