import type { CallSignal } from "../domain/invocation.ts";
import type { HttpRequest, HttpResponse } from "../node/ports.ts";

/** A signal that its owner fires: for one call among many of a stream. */
export class CallSwitch implements CallSignal {
  #aborted = false;
  #listeners: (() => void)[] | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  /** Fires once; later calls do nothing. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }
}

/**
 * Fires when the peer of a request goes away. It hooks itself to the request only when someone
 * listens, so that calls which are answered at once do not pay for it.
 */
export class RequestSignal implements CallSignal {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  #switch: CallSwitch | undefined;

  constructor(request: HttpRequest, response: HttpResponse) {
    this.#request = request;
    this.#response = response;
  }

  get aborted(): boolean {
    return this.#response.closed;
  }

  addEventListener(type: "abort", listener: () => void): void {
    if (this.#switch === undefined) {
      const gone = new CallSwitch();
      this.#switch = gone;
      this.#request.onAborted(() => gone.abort());
    }
    this.#switch.addEventListener(type, listener);
  }
}
