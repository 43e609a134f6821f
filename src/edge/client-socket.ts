import type { ServerError } from "../domain/error.ts";
import { toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { WebSocketLink } from "../node/ports.ts";
import { reasonOf } from "./error-map.ts";
import { tooLarge } from "./gates/refusal.ts";
import { ResultFrames } from "./result-frames.ts";
import type { StreamShared } from "./stream-call.ts";
import { StreamCalls } from "./stream-calls.ts";
import { decodeCallFrame } from "./stream-codec.ts";

/** The WebSocket subprotocol that carries the frames of `InvokeStream`. */
export const CLIENT_PROTOCOL = "troupe.v1.client";

const UNSUPPORTED_DATA = 1003;
const BAD_FRAME = 1007;
const POLICY = 1008;
const TOO_BIG = 1009;
const TOO_SLOW = 1013;
/** Largest messages that may wait for a client that does not read. */
const UNREAD_MESSAGES = 4;
/** Frames kept while the authenticator has not answered yet; in bytes no more than one message. */
const EARLY_FRAMES = 16;

/**
 * One client on a WebSocket: the messages are those of `InvokeStream`, one per frame. A WebSocket
 * cannot be held up, so calls beyond the bound are refused one by one; a client that does not read
 * its results is cut off when they have grown to the size of a few of the largest messages.
 */
export class ClientSocket {
  readonly #link: WebSocketLink;
  readonly #shared: StreamShared;
  readonly #frames: ResultFrames;
  #calls: StreamCalls | undefined;
  #early: (Uint8Array | string)[] = [];
  #earlyBytes = 0;
  #flushing = false;
  #closed = false;

  constructor(link: WebSocketLink, shared: StreamShared) {
    this.#link = link;
    this.#shared = shared;
    this.#frames = new ResultFrames(shared.limits.messageBytes, 0, () => this.#flushSoon());
    link.onMessage((frame) => this.#received(frame));
    link.onDrain(() => this.#flush());
    link.onClose(() => this.#end());
  }

  /** Tells who is at the other end; frames that came before are now served. */
  identified(found: Caller | ServerError): void {
    if (this.#closed) return;
    if (found instanceof Error) return this.#refuse(POLICY, found);
    const channel = { caller: found, timeoutMs: undefined, traceparent: "", tracestate: "" };
    const { streamCalls } = this.#shared.edgeLimits;
    this.#calls = new StreamCalls(this.#shared.calls, channel, streamCalls, this.#frames);
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.#received(frame);
  }

  #received(frame: Uint8Array | string): void {
    if (this.#closed) return;
    // The listener lets larger ones pass, for hosts.
    if (frame.length > this.#shared.limits.messageBytes) return this.#refuse(TOO_BIG, tooLarge());
    const calls = this.#calls;
    if (calls === undefined) {
      this.#early.push(frame);
      this.#earlyBytes += frame.length;
      const much = this.#earlyBytes > this.#shared.limits.messageBytes;
      if (much || this.#early.length > EARLY_FRAMES) this.#close(TOO_SLOW, "too many frames");
      return;
    }
    if (typeof frame === "string") return this.#close(UNSUPPORTED_DATA, "frames are binary");
    try {
      const { calls: wanted, cancel } = decodeCallFrame(frame, this.#shared.limits);
      for (const id of cancel) calls.cancel(id);
      for (const { id, call } of wanted) {
        if (calls.full) calls.turnAway(id);
        else calls.run(id, call);
      }
    } catch (error) {
      this.#refuse(BAD_FRAME, toServerError(error));
    }
  }

  #flushSoon(): void {
    if (this.#closed) return;
    if (this.#frames.bytes > this.#unreadBytes)
      return this.#close(TOO_SLOW, "results are not read");
    if (this.#flushing) return;
    this.#flushing = true;
    this.#shared.clock.defer(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Sends what is ready, unless what was sent before still waits for its reader. */
  #flush(): void {
    const { streamBufferBytes } = this.#shared.edgeLimits;
    while (!this.#closed && this.#link.bufferedBytes <= streamBufferBytes) {
      const frame = this.#frames.take();
      if (frame === undefined) return;
      this.#link.send(frame.bytes);
      this.#calls?.written(frame.count);
    }
  }

  /** What may wait for a slow reader: a few of the largest messages. */
  get #unreadBytes(): number {
    return this.#shared.limits.messageBytes * UNREAD_MESSAGES;
  }

  #refuse(code: number, error: ServerError): void {
    this.#shared.instruments.rejected("websocket", reasonOf(error));
    this.#close(code, reasonOf(error));
  }

  #close(code: number, reason: string): void {
    this.#end();
    this.#link.close(code, reason);
  }

  #end(): void {
    this.#closed = true;
    this.#early = [];
    this.#calls?.close();
  }
}
