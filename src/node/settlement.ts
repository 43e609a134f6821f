import type { CallSink } from "../core/activation/call.ts";
import type { ServerError } from "../domain/error.ts";
import type { CallSignal, Reply } from "../domain/invocation.ts";

/** The caller's end of a call: its promise, and the signal that may take the call back until then. */
export class Settlement implements CallSink {
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: ServerError) => void;
  readonly #signal: CallSignal;
  #listener: (() => void) | undefined;

  constructor(
    resolve: (reply: Reply) => void,
    reject: (error: ServerError) => void,
    signal: CallSignal,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
  }

  listen(listener: () => void): void {
    this.#listener = listener;
    this.#signal.addEventListener("abort", listener);
  }

  resolve(reply: Reply): void {
    this.#letGo();
    this.#resolve(reply);
  }

  reject(error: ServerError): void {
    this.#letGo();
    this.#reject(error);
  }

  #letGo(): void {
    if (this.#listener !== undefined) this.#signal.removeEventListener?.("abort", this.#listener);
  }
}
