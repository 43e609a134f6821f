import { ServerError, toServerError } from "../domain/error.ts";
import type { CallSignal, Invocation, Reply } from "../domain/invocation.ts";
import type { ActorApi } from "../node/node-api.ts";
import { connectCodeOf, reasonOf } from "./error-map.ts";
import { type CallChannel, type CallRules, type InvokeCall, toInvocation } from "./invoke-call.ts";
import type { LoggedInstruments } from "./logged-instruments.ts";

/** Who waits for the end of one call; exactly one of the two is called, once. Neither may throw. */
export interface CallEnd {
  reply(reply: Reply): void;
  refuse(error: ServerError): void;
}

const BUSY_RETRY_MS = 50;

/**
 * Room 1's last step, shared by every protocol: a call is checked, admitted, handed to the node and
 * measured. One per listener.
 */
export class Calls {
  readonly #api: ActorApi;
  readonly #rules: CallRules;
  readonly #instruments: LoggedInstruments;
  #inFlight = 0;

  constructor(api: ActorApi, rules: CallRules, instruments: LoggedInstruments) {
    this.#api = api;
    this.#rules = rules;
    this.#instruments = instruments;
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Runs one call and tells `end` what came of it. `method` is its name in measurements. */
  run(
    method: string,
    call: InvokeCall,
    channel: CallChannel,
    signal: CallSignal,
    end: CallEnd,
  ): void {
    const startedMs = this.#rules.clock.now();
    let invocation: Invocation;
    let answer: Promise<Reply>;
    try {
      this.#admit();
      invocation = toInvocation(call, channel, this.#rules);
      answer = this.#api.invoke(invocation, signal);
    } catch (error) {
      const refusal = toServerError(error, "not_started");
      this.#measure(method, startedMs, undefined, refusal);
      end.refuse(refusal);
      return;
    }
    this.#inFlight += 1;
    answer.then(
      (reply) => {
        this.#inFlight -= 1;
        const large = reply.payload.data.length > this.#rules.limits.messageBytes;
        const refusal = large ? replyTooLarge(invocation) : undefined;
        this.#measure(method, startedMs, invocation, refusal);
        if (refusal === undefined) this.#tell(end, () => end.reply(reply));
        else this.#tell(end, () => end.refuse(refusal));
      },
      (error: unknown) => {
        this.#inFlight -= 1;
        const refusal = toServerError(error);
        this.#measure(method, startedMs, invocation, refusal);
        this.#tell(end, () => end.refuse(refusal));
      },
    );
  }

  /** An answer that cannot be written is told as that, and takes nothing else with it. */
  #tell(end: CallEnd, say: () => void): void {
    try {
      say();
    } catch (error) {
      const failure = toServerError(error);
      this.#instruments.failed("reply", failure);
      try {
        end.refuse(failure);
      } catch {
        // The connection takes nothing any more.
      }
    }
  }

  /** The same as a promise, for handlers that are asynchronous anyway. */
  invoke(
    method: string,
    call: InvokeCall,
    channel: CallChannel,
    signal: CallSignal,
  ): Promise<Reply> {
    return new Promise((resolve, reject) =>
      this.run(method, call, channel, signal, { reply: resolve, refuse: reject }),
    );
  }

  #admit(): void {
    if (this.#inFlight < this.#rules.limits.inFlightCalls) return;
    throw new ServerError("quota.exceeded", "too many calls are under way", "not_started", {
      reason: "CALLS_IN_FLIGHT",
      // Spread over a window as wide as the wait, so that the refused do not come back together.
      retryAfterMs: BUSY_RETRY_MS + (this.#rules.clock.now() % BUSY_RETRY_MS),
    });
  }

  #measure(
    method: string,
    startedMs: number,
    invocation: Invocation | undefined,
    error: ServerError | undefined,
  ): void {
    const code = error === undefined ? "ok" : connectCodeOf(error);
    this.#instruments.observe(method, code, this.#rules.clock.now() - startedMs);
    if (error !== undefined) {
      if (invocation === undefined) this.#instruments.rejected(method, reasonOf(error));
      this.#instruments.failed(method, error);
    }
    if (invocation?.trace !== undefined) this.#rules.trace?.end(invocation.trace, code);
  }
}

/** The answer is larger than any message may be: the turn is committed, only its reply is lost. */
function replyTooLarge({ operation }: Invocation): ServerError {
  const committed = operation?.kind !== "state";
  const outcome = committed ? "unknown" : "not_applied";
  const reason = "RESPONSE_TOO_LARGE";
  return new ServerError("request.too_large", "the reply is too large", outcome, {
    reason,
    committed,
  });
}
