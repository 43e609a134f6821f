import type { BodyFailure } from "../../node/ports.ts";

/** Where the bytes come from; told to wait and to go on. Both may be called again without effect. */
export interface BodySource {
  pauseBody(): void;
  resumeBody(): void;
}

type BodyDone = (failure: BodyFailure | undefined, body: Uint8Array) => void;

/** Bytes kept for a reader that has not asked yet, before the source is told to wait. */
const HIGH_WATER_BYTES = 64 * 1024;
const EMPTY = new Uint8Array(0);

/** The body of one request between the connection that receives it and the one reader that wants it. */
export class RequestBody {
  readonly #source: BodySource;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #limitBytes = 0;
  #done: BodyDone | undefined;
  #wake: (() => void) | undefined;
  #end: "open" | "complete" | "aborted" = "open";
  #discarding = false;
  #paused = false;
  #waitedTicks = 0;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** True once every byte has arrived from the peer. */
  get complete(): boolean {
    return this.#end === "complete";
  }

  push(chunk: Uint8Array): void {
    if (this.#discarding) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#done !== undefined) {
      if (this.#bytes > this.#limitBytes) this.#settle("too_large");
      return;
    }
    if (this.#bytes >= HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true;
      this.#source.pauseBody();
    }
    this.#wakeReader();
  }

  /** The peer has sent everything. */
  finish(): void {
    if (this.#end !== "open") return;
    this.#end = "complete";
    if (this.#done !== undefined) this.#settle(undefined);
    this.#wakeReader();
  }

  /** The peer is gone; a reader is told unless the body had already arrived whole. */
  abort(): void {
    if (this.#end !== "open") return;
    this.#end = "aborted";
    if (this.#done !== undefined) this.#settle("aborted");
    this.#wakeReader();
  }

  /** Nobody will read any more: what still comes is dropped. */
  discard(): void {
    this.#discarding = true;
    this.#chunks = [];
    this.#bytes = 0;
    this.#flow();
  }

  readWhole(limitBytes: number, done: BodyDone): void {
    this.#limitBytes = limitBytes;
    this.#done = done;
    if (this.#bytes > limitBytes) this.#settle("too_large");
    else if (this.#end === "complete") this.#settle(undefined);
    else if (this.#end === "aborted") this.#settle("aborted");
    else this.#flow();
  }

  async *stream(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.length;
          if (this.#bytes < HIGH_WATER_BYTES) this.#flow();
          yield chunk;
        } else if (this.#end === "complete") {
          return;
        } else if (this.#end === "aborted") {
          throw new Error("the peer went away before the request body was complete");
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.discard();
    }
  }

  /** Called at every tick of the listener; ends a read that has waited for `limitTicks`. */
  tick(limitTicks: number): "waiting" | "expired" {
    if (this.#done === undefined) return "waiting";
    this.#waitedTicks += 1;
    if (this.#waitedTicks <= limitTicks) return "waiting";
    this.#settle("timeout");
    return "expired";
  }

  #settle(failure: BodyFailure | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    this.discard();
    if (failure !== undefined) done?.(failure, EMPTY);
    else
      done?.(undefined, chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks, bytes));
  }

  #flow(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#source.resumeBody();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
