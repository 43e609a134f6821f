import { create } from "@bufbuild/protobuf";
import { type ServerError, toServerError } from "../domain/error.ts";
import type {
  InvokeStreamRequest,
  InvokeStreamResponse,
  InvokeStreamResponse_Result,
} from "../gen/troupe/v1/actor_pb.ts";
import {
  InvokeStreamResponse_ResultSchema,
  InvokeStreamResponseSchema,
} from "../gen/troupe/v1/actor_pb.ts";
import type { Calls } from "./calls.ts";
import { toCallError } from "./error-map.ts";
import { BLANK_CALL, type CallChannel, checkedRevision } from "./invoke-call.ts";
import { callOfMessage, replyMessage } from "./invoke-message.ts";
import { StreamCalls } from "./stream-calls.ts";

/** What bounds one stream. */
export interface StreamBounds {
  readonly streamCalls: number;
  /** Payload bytes after which a message with several results is full. */
  readonly frameBytes: number;
}

/**
 * `InvokeStream` on decoded messages, for the formats that the lean stream leaves to the library.
 * Yields what is ready whenever its reader asks; ends when the caller has ended and all is answered.
 */
export async function* invokeStream(
  frames: AsyncIterable<InvokeStreamRequest>,
  calls: Calls,
  channel: CallChannel,
  bounds: StreamBounds,
  signal: AbortSignal,
): AsyncIterable<InvokeStreamResponse> {
  const stream = new MessageStream(calls, channel, bounds);
  const abort = (): void => stream.close();
  signal.addEventListener("abort", abort);
  try {
    void stream.read(frames);
    for (;;) {
      const results = await stream.next();
      if (results === undefined) return;
      yield create(InvokeStreamResponseSchema, { results: [...results] });
    }
  } finally {
    signal.removeEventListener("abort", abort);
    stream.close();
  }
}

/** Reads calls and holds their results between the two halves of a stream. */
class MessageStream {
  readonly #calls: StreamCalls;
  readonly #frameBytes: number;
  #results: InvokeStreamResponse_Result[] = [];
  #wake: (() => void) | undefined;
  #done = false;
  #failure: ServerError | undefined;

  constructor(calls: Calls, channel: CallChannel, bounds: StreamBounds) {
    this.#frameBytes = bounds.frameBytes;
    const add = (id: number, result: NonNullable<InvokeStreamResponse_Result["result"]>): void => {
      const entry = create(InvokeStreamResponse_ResultSchema, { id: BigInt(id) });
      entry.result = result;
      this.#results.push(entry);
      this.#notify();
    };
    this.#calls = new StreamCalls(calls, channel, bounds.streamCalls, {
      reply: (id, reply) => add(id, { case: "response", value: replyMessage(reply) }),
      refuse: (id, error) => add(id, { case: "error", value: toCallError(error) }),
    });
  }

  /** Runs the calls of every frame, as far as there is room for them. Never rejects. */
  async read(frames: AsyncIterable<InvokeStreamRequest>): Promise<void> {
    try {
      for await (const frame of frames) {
        for (const id of frame.cancel) this.#calls.cancel(Number(id));
        for (const { id, request } of frame.calls) {
          while (this.#calls.full && !this.#done) await this.#calls.change();
          if (this.#done) return;
          this.#calls.run(
            checkedRevision(id),
            request === undefined ? BLANK_CALL : callOfMessage(request),
          );
        }
      }
      while (this.#calls.held > 0 && !this.#done) await this.#calls.change();
    } catch (error) {
      this.#failure = toServerError(error);
    }
    this.#done = true;
    this.#notify();
  }

  /** Results that are ready, as many as a message may hold; undefined at the end. */
  async next(): Promise<readonly InvokeStreamResponse_Result[] | undefined> {
    while (this.#results.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#done) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    let bytes = 0;
    const over = this.#results.findIndex(({ result }, index) => {
      bytes += result.case === "response" ? (result.value.payload?.data.length ?? 0) : 0;
      return index > 0 && bytes > this.#frameBytes;
    });
    const results = this.#results.splice(0, over === -1 ? this.#results.length : over);
    this.#calls.written(results.length);
    return results;
  }

  /** Takes back what is under way, and ends both halves. */
  close(): void {
    this.#done = true;
    this.#calls.close();
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
