import { type ServerError, toServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";
import { Deque } from "../std/deque.ts";
import type { ResultSink } from "./stream-calls.ts";
import { writeRefusal, writeResult } from "./stream-codec.ts";
import { ProtoWriter } from "./wire/writer.ts";

/** An encoded `InvokeStreamResponse` and how many results are in it. */
export interface ResultFrame {
  readonly bytes: Uint8Array;
  readonly count: number;
}

interface Waiting {
  readonly id: number;
  readonly answer: Reply | ServerError;
  readonly bytes: number;
  /** What it takes besides the one before it, with which it may share its data. */
  readonly ownBytes: number;
}

/** What a refusal takes while it waits, and a reply whose data is shared, about. */
const REFUSAL_BYTES = 512;
const SHARED_BYTES = 128;

/**
 * Results on their way out, gathered into frames: as many as are ready, but none into a frame that is
 * half as large as a message may be, since callers bound what they receive. One frame is encoded ahead
 * of its reader; what does not fit into it waits as it is, for replies may share one large state that
 * a copy for each of them would multiply.
 */
export class ResultFrames implements ResultSink {
  readonly #prefixBytes: 0 | 5;
  readonly #frameBytes: number;
  readonly #ready: () => void;
  readonly #writer = new ProtoWriter();
  readonly #waiting = new Deque<Waiting>();
  #waitingBytes = 0;
  #lastData: Uint8Array | undefined;
  #count = 0;
  #largest = 1;

  /** `ready` is told of every result; `prefixBytes` is room for the envelope of a stream. */
  constructor(messageBytes: number, prefixBytes: 0 | 5, ready: () => void) {
    this.#frameBytes = messageBytes / 2;
    this.#prefixBytes = prefixBytes;
    this.#ready = ready;
  }

  /** Bytes held by what has not been taken; data that replies share in a row counts once. */
  get bytes(): number {
    return this.#waitingBytes + this.#writer.length;
  }

  /** Bytes of the largest reply so far; at least 1. */
  get largest(): number {
    return this.#largest;
  }

  reply(id: number, reply: Reply): void {
    const { data } = reply.payload;
    if (data.length > this.#largest) this.#largest = data.length;
    this.#add(id, reply, data.length, data === this.#lastData ? SHARED_BYTES : data.length);
    this.#lastData = data;
  }

  refuse(id: number, error: ServerError): void {
    this.#add(id, error, REFUSAL_BYTES, REFUSAL_BYTES);
  }

  /** The next frame, or undefined if there is no result. */
  take(): ResultFrame | undefined {
    if (this.#count === 0) return undefined;
    if (this.#prefixBytes > 0) this.#writer.prefix(0, 0);
    const frame = { bytes: this.#writer.finish(), count: this.#count };
    this.#writer.reset();
    this.#count = 0;
    this.#lastData = undefined;
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!this.#fits(next.bytes)) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.ownBytes;
      this.#write(next.id, next.answer);
    }
    return frame;
  }

  #add(id: number, answer: Reply | ServerError, bytes: number, ownBytes: number): void {
    if (this.#waiting.length === 0 && this.#fits(bytes)) this.#write(id, answer);
    else {
      this.#waiting.push({ id, answer, bytes, ownBytes });
      this.#waitingBytes += ownBytes;
    }
    this.#ready();
  }

  #fits(bytes: number): boolean {
    return this.#count === 0 || this.#writer.length + bytes <= this.#frameBytes;
  }

  #write(id: number, answer: Reply | ServerError): void {
    const writer = this.#writer;
    if (this.#count === 0 && this.#prefixBytes > 0) writer.reserve(this.#prefixBytes);
    this.#count += 1;
    const begin = writer.length;
    try {
      if (answer instanceof Error) writeRefusal(writer, id, answer);
      else writeResult(writer, id, answer);
    } catch (error) {
      // What cannot be written is told as that, and takes no other result with it.
      writer.truncate(begin);
      writeRefusal(writer, id, toServerError(error));
    }
  }
}
