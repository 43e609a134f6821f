import type { ServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";
import type { ResultSink } from "./stream-calls.ts";
import { writeRefusal, writeResult } from "./stream-codec.ts";
import { ProtoWriter } from "./wire/writer.ts";

/** An encoded `InvokeStreamResponse` and how many results are in it. */
export interface ResultFrame {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/**
 * Results on their way out, gathered into frames: as many as are ready, but none into a frame that is
 * half as large as a message may be, since callers bound what they receive.
 */
export class ResultFrames implements ResultSink {
  readonly #prefixBytes: 0 | 5;
  readonly #frameBytes: number;
  readonly #ready: () => void;
  readonly #writer = new ProtoWriter();
  #sealed: ResultFrame[] = [];
  #sealedBytes = 0;
  #count = 0;

  /** `ready` is told of every result; `prefixBytes` is room for the envelope of a stream. */
  constructor(messageBytes: number, prefixBytes: 0 | 5, ready: () => void) {
    this.#frameBytes = messageBytes / 2;
    this.#prefixBytes = prefixBytes;
    this.#ready = ready;
  }

  /** Bytes that have not been taken. */
  get bytes(): number {
    return this.#sealedBytes + this.#writer.length;
  }

  reply(id: number, reply: Reply): void {
    this.#begin(reply.payload.data.length);
    writeResult(this.#writer, id, reply);
    this.#ready();
  }

  refuse(id: number, error: ServerError): void {
    this.#begin(0);
    writeRefusal(this.#writer, id, error);
    this.#ready();
  }

  /** The next frame, or undefined if there is no result. */
  take(): ResultFrame | undefined {
    if (this.#sealed.length === 0) this.#seal();
    const frame = this.#sealed.shift();
    if (frame !== undefined) this.#sealedBytes -= frame.bytes.length;
    return frame;
  }

  #begin(bytes: number): void {
    if (this.#writer.length + bytes > this.#frameBytes) this.#seal();
    if (this.#count === 0 && this.#prefixBytes > 0) this.#writer.reserve(this.#prefixBytes);
    this.#count += 1;
  }

  #seal(): void {
    if (this.#count === 0) return;
    if (this.#prefixBytes > 0) this.#writer.prefix(0, 0);
    const frame = { bytes: this.#writer.finish(), count: this.#count };
    this.#writer.reset();
    this.#count = 0;
    this.#sealed.push(frame);
    this.#sealedBytes += frame.bytes.length;
  }
}
