import { ServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";
import type { Calls } from "./calls.ts";
import { refuse } from "./gates/refusal.ts";
import type { CallChannel, InvokeCall } from "./invoke-call.ts";
import { CallSwitch } from "./request-signal.ts";

/** Where the results of a stream's calls go. Neither method throws. */
export interface ResultSink {
  reply(id: number, reply: Reply): void;
  refuse(id: number, error: ServerError): void;
}

const METHOD = "InvokeStream";

/**
 * The calls under way on one stream, whatever carries it: matched by id, taken back by id, and all of
 * them taken back when the stream is lost. A call holds its place until `written` says that its
 * result has left, so a caller that does not read does not get to call either.
 */
export class StreamCalls {
  readonly #calls: Calls;
  readonly #channel: CallChannel;
  readonly #limit: number;
  readonly #sink: ResultSink;
  readonly #running = new Map<number, CallSwitch>();
  #held = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(calls: Calls, channel: CallChannel, limit: number, sink: ResultSink) {
    this.#calls = calls;
    this.#channel = channel;
    this.#limit = limit;
    this.#sink = sink;
  }

  /** True if the stream has as many calls under way, or results unread, as it may. */
  get full(): boolean {
    return this.#held >= this.#limit;
  }

  /** Results that have not left yet, and calls that have none. */
  get held(): number {
    return this.#held;
  }

  /** Runs a call. Throws `ServerError` if its id is taken: then nobody can tell the two apart. */
  run(id: number, call: InvokeCall): void {
    if (this.#running.has(id)) throw refuse("DUPLICATE_CALL_ID");
    const signal = new CallSwitch();
    this.#running.set(id, signal);
    this.#held += 1;
    this.#calls.run(METHOD, call, this.#channel, signal, {
      reply: (reply) => {
        if (this.#ended(id)) this.#sink.reply(id, reply);
      },
      refuse: (error) => {
        if (this.#ended(id)) this.#sink.refuse(id, error);
      },
    });
  }

  /** Refuses a call without running it, for carriers that cannot wait for a place. */
  turnAway(id: number): void {
    this.#held += 1;
    const reason = "STREAM_CALLS";
    const message = "too many calls are under way on the stream";
    const details = { reason, retryAfterMs: 100 };
    this.#sink.refuse(id, new ServerError("quota.exceeded", message, "not_started", details));
  }

  /** Takes a call back; one that is not (or no longer) under way is none of ours. */
  cancel(id: number): void {
    this.#running.get(id)?.abort();
  }

  /** `count` results have left: as many places are free again. */
  written(count: number): void {
    this.#held -= count;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves when the number of held places has changed, or the stream is closed. */
  change(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The stream is gone: takes back every call, and drops what still comes. */
  close(): void {
    this.#closed = true;
    for (const signal of this.#running.values()) signal.abort();
    this.#running.clear();
    this.#wake?.();
    this.#wake = undefined;
  }

  #ended(id: number): boolean {
    this.#running.delete(id);
    return !this.#closed;
  }
}
