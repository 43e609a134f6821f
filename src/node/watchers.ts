import type { StateView } from "./node-api.ts";

/** Who wants to hear of committed states, by actor. */
export class Watchers {
  readonly #byPath = new Map<string, Set<(view: StateView) => void>>();

  add(path: string, listener: (view: StateView) => void): () => void {
    const listeners = this.#byPath.get(path) ?? new Set();
    this.#byPath.set(path, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#byPath.delete(path);
    };
  }

  changed(path: string, view: StateView): void {
    if (this.#byPath.size === 0) return;
    const { state, revision, tags } = view;
    for (const listener of this.#byPath.get(path) ?? []) listener({ state, revision, tags });
  }
}
