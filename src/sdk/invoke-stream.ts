import { create } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  ActorService,
  type InvokeRequest,
  type InvokeResponse,
  type InvokeStreamRequest,
  InvokeStreamRequestSchema,
  type InvokeStreamResponse_Result,
} from "../gen/troupe/v1/actor_pb.ts";
import { CallFailure, callFailure } from "./call-failure.ts";
import { connectFailure } from "./unary-calls.ts";

interface Waiting {
  readonly resolve: (response: InvokeResponse) => void;
  readonly reject: (error: Error) => void;
}

/** Calls over one stream: what is called in one tick leaves in one message. */
export class InvokeStream {
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #abort = new AbortController();
  #calls: { id: bigint; request: InvokeRequest }[] = [];
  #next = 1n;
  #wake: (() => void) | undefined;
  #ended: CallFailure | undefined;

  constructor(transport: Transport, token: string | undefined) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const client = createClient(ActorService, transport);
    void this.#read(client.invokeStream(this.#requests(), { signal: this.#abort.signal, headers }));
  }

  /** Rejects with `CallFailure`. */
  invoke(request: InvokeRequest): Promise<InvokeResponse> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#next;
    this.#next += 1n;
    this.#calls.push({ id, request });
    // Woken after this tick's other calls have been queued.
    if (this.#calls.length === 1) queueMicrotask(() => this.#wake?.());
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Ends the stream; calls that wait fail with an unknown outcome. */
  close(): void {
    this.#end(new CallFailure("canceled", "the stream was closed", "unknown"));
    this.#abort.abort();
  }

  async *#requests(): AsyncGenerator<InvokeStreamRequest> {
    while (this.#ended === undefined) {
      if (this.#calls.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const calls = this.#calls;
      this.#calls = [];
      yield create(InvokeStreamRequestSchema, { calls });
    }
  }

  async #read(responses: AsyncIterable<{ results: InvokeStreamResponse_Result[] }>): Promise<void> {
    try {
      for await (const { results } of responses) for (const result of results) this.#settle(result);
      this.#end(new CallFailure("unavailable", "the server ended the stream", "unknown"));
    } catch (error) {
      this.#end(connectFailure(error));
    }
  }

  #settle({ id, result }: InvokeStreamResponse_Result): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (result.case === "response") waiting?.resolve(result.value);
    else if (result.case === "error") waiting?.reject(callFailure(result.value));
    else waiting?.reject(new CallFailure("internal", "the answer is empty", "unknown"));
  }

  #end(failure: CallFailure): void {
    this.#ended ??= failure;
    this.#wake?.();
    for (const { reject } of this.#waiting.values()) reject(failure);
    this.#waiting.clear();
  }
}
