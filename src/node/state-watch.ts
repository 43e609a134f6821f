import type { StateView } from "./node-api.ts";

/**
 * One watcher of an actor. States come in order of their revision, the first one the state at the
 * begin; what a slow watcher misses is coalesced into the newest.
 */
export class StateWatch {
  readonly #onState: (view: StateView) => Promise<void> | undefined;
  readonly #onEnd: (error: Error | undefined) => void;
  #begun = false;
  #busy = false;
  #ended = false;
  #revision = -1;
  #pending: StateView | undefined;

  constructor(
    onState: (view: StateView) => Promise<void> | undefined,
    onEnd: (error: Error | undefined) => void,
  ) {
    this.#onState = onState;
    this.#onEnd = onEnd;
  }

  /** The state that the watch begins with; states committed since it was asked for follow. */
  begin(view: StateView): void {
    this.#begun = true;
    const later = this.#pending;
    this.#pending = undefined;
    this.offer(view);
    if (later !== undefined) this.offer(later);
  }

  offer(view: StateView): void {
    if (this.#ended || view.revision <= this.#revision) return;
    if (!this.#begun || this.#busy) {
      if (view.revision >= (this.#pending?.revision ?? 0)) this.#pending = view;
      return;
    }
    this.#revision = view.revision;
    const room = this.#onState(view);
    if (room === undefined) return;
    this.#busy = true;
    room.then(
      () => {
        this.#busy = false;
        const next = this.#pending;
        this.#pending = undefined;
        if (next !== undefined) this.offer(next);
      },
      (error: unknown) => this.end(error instanceof Error ? error : new Error(String(error))),
    );
  }

  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(error);
  }
}
