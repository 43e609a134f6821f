import { ServerError, toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { Clock, HttpHeaders, HttpRequest, HttpResponse } from "../node/ports.ts";
import type { EdgeInstruments, EdgeLimits } from "./api-options.ts";
import type { Calls } from "./calls.ts";
import { reasonOf } from "./error-map.ts";
import { headerTimeoutMs } from "./gates/deadline.ts";
import { EnvelopeSplitter, open, PREFIX_BYTES } from "./gates/envelope.ts";
import { expired } from "./gates/refusal.ts";
import { endOfConnectStream, grpcTrailers } from "./protocols.ts";
import { type ResultFrame, ResultFrames } from "./result-frames.ts";
import { StreamCalls } from "./stream-calls.ts";
import { decodeCallFrame } from "./stream-codec.ts";

/** What all streams of a listener share. */
export interface StreamShared {
  readonly calls: Calls;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly edgeLimits: EdgeLimits;
  readonly instruments: EdgeInstruments;
}

/** How a stream of one protocol begins and ends; frames are the same in both. */
interface StreamProtocol {
  readonly headers: HttpHeaders;
  end(response: HttpResponse, error: ServerError | undefined): void;
}

const OK_TRAILERS: HttpHeaders = Object.freeze({ "grpc-status": "0" });

const GRPC: StreamProtocol = {
  headers: Object.freeze({ "content-type": "application/grpc+proto" }),
  end: (response, error) => response.end(error === undefined ? OK_TRAILERS : grpcTrailers(error)),
};

const CONNECT: StreamProtocol = {
  headers: Object.freeze({ "content-type": "application/connect+proto" }),
  end: (response, error) => {
    void response.write(endOfConnectStream(error));
    response.end();
  },
};

const BY_CONTENT_TYPE: ReadonlyMap<string, StreamProtocol> = new Map([
  ["application/grpc", GRPC],
  ["application/grpc+proto", GRPC],
  ["application/connect+proto", CONNECT],
]);

/** The lean stream for a content type; undefined if the complete handlers must serve it. */
export function streamProtocolOf(contentType: string | undefined): StreamProtocol | undefined {
  return contentType === undefined ? undefined : BY_CONTENT_TYPE.get(contentType);
}

/** Largest messages that may wait for their reader; calls are held back long before. */
const UNREAD_MESSAGES = 16;

/**
 * One `InvokeStream` over HTTP/2: reads frames of calls, writes frames of results as they come, each
 * with everything that was ready at the end of a tick. Ends when the caller has ended its half and
 * every call is answered, with the stream's deadline, or at the first frame that cannot be understood.
 */
export class StreamCall {
  readonly #shared: StreamShared;
  readonly #protocol: StreamProtocol;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #calls: StreamCalls;
  readonly #frames: ResultFrames;
  #flushing = false;
  #ended = false;

  constructor(
    shared: StreamShared,
    protocol: StreamProtocol,
    request: HttpRequest,
    response: HttpResponse,
    caller: Caller,
  ) {
    this.#shared = shared;
    this.#protocol = protocol;
    this.#request = request;
    this.#response = response;
    const channel = { caller, timeoutMs: undefined, traceparent: "", tracestate: "" };
    const { messageBytes } = shared.limits;
    this.#frames = new ResultFrames(messageBytes, PREFIX_BYTES, () => this.#flushSoon());
    this.#calls = new StreamCalls(
      shared.calls,
      channel,
      shared.edgeLimits.streamCalls,
      this.#frames,
    );
  }

  /** Serves the stream to its end. Never rejects. */
  async serve(): Promise<void> {
    const { clock, limits } = this.#shared;
    let cancelTimer: (() => void) | undefined;
    this.#request.onAborted(() => this.#lost());
    this.#response.start(200, this.#protocol.headers);
    try {
      const timeoutMs = headerTimeoutMs((name) => this.#request.header(name));
      if (timeoutMs !== undefined) {
        const boundMs = Math.min(timeoutMs, limits.maxStreamDeadlineMs);
        cancelTimer = clock.setTimer(boundMs, () => this.#end(expired()));
      }
      await this.#readAll();
      while (this.#calls.held > 0 && !this.#ended) await this.#calls.change();
      this.#end(undefined);
    } catch (error) {
      this.#end(toServerError(error));
    } finally {
      cancelTimer?.();
    }
  }

  async #readAll(): Promise<void> {
    const { limits } = this.#shared;
    const splitter = new EnvelopeSplitter(limits.messageBytes);
    for await (const chunk of this.#request.body()) {
      for (const envelope of splitter.push(chunk)) {
        const message =
          envelope.flags === 0 ? envelope.message : await open(envelope, undefined, 0);
        await this.#accept(message);
        if (this.#ended) return;
      }
    }
    splitter.end();
  }

  async #accept(message: Uint8Array): Promise<void> {
    const frame = decodeCallFrame(message, this.#shared.limits);
    for (const id of frame.cancel) this.#calls.cancel(id);
    for (const { id, call } of frame.calls) {
      while (this.#isFull() && !this.#ended) await this.#calls.change();
      if (this.#ended) return;
      this.#calls.run(id, call);
    }
  }

  #isFull(): boolean {
    const { bytes, largest } = this.#frames;
    // Answered at once, and as large as the largest so far, they must stay well below the cut-off.
    const many = this.#calls.held * largest * 2 > this.#mostUnread;
    return this.#calls.full || many || bytes > this.#shared.edgeLimits.streamBufferBytes;
  }

  #flushSoon(): void {
    if (this.#ended) return;
    if (this.#frames.bytes > this.#mostUnread) return this.#end(unread());
    if (this.#flushing) return;
    this.#flushing = true;
    this.#shared.clock.defer(() => this.#flush());
  }

  get #mostUnread(): number {
    return this.#shared.limits.messageBytes * UNREAD_MESSAGES;
  }

  /** Writes frame after frame, as long as there is room. */
  #flush(): void {
    this.#flushing = false;
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      const { count } = frame;
      const room = this.#response.write(frame.bytes);
      if (room === undefined) {
        this.#calls.written(count);
        continue;
      }
      this.#flushing = true;
      void room.then(() => {
        this.#calls.written(count);
        this.#flush();
      });
      return;
    }
  }

  #next(): ResultFrame | undefined {
    return this.#ended ? undefined : this.#frames.take();
  }

  /** The caller is gone: nothing is left to say. */
  #lost(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#shared.instruments.aborted("call");
    this.#calls.close();
  }

  #end(error: ServerError | undefined): void {
    if (this.#ended) return;
    if (error !== undefined) this.#shared.instruments.rejected("InvokeStream", reasonOf(error));
    this.#ended = true;
    this.#calls.close();
    this.#protocol.end(this.#response, error);
  }
}

function unread(): ServerError {
  return new ServerError("quota.exceeded", "too many results are not read", "unknown", {
    reason: "RESULTS_UNREAD",
    retryAfterMs: 100,
  });
}
