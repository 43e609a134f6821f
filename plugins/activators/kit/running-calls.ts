/** The calls of an activator that are under way, with the one signal that takes them all back. */
export class RunningCalls {
  readonly #running = new Set<Promise<unknown>>();
  readonly #takeBack = new AbortController();

  get count(): number {
    return this.#running.size;
  }

  /** Aborts once a stop has run out of time. */
  get signal(): AbortSignal {
    return this.#takeBack.signal;
  }

  /** Counts `call` until it is settled. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#running.add(call);
    const forget = () => void this.#running.delete(call);
    call.then(forget, forget);
    return call;
  }

  /** Resolves when no call runs any more; once `bound` aborts, it takes them back and waits no more. */
  async finish(bound: AbortSignal): Promise<void> {
    const outOfTime = new Promise<void>((resolve) => {
      if (bound.aborted) resolve();
      bound.addEventListener("abort", () => resolve());
    });
    await Promise.race([Promise.allSettled([...this.#running]), outOfTime]);
    if (this.#running.size > 0) this.#takeBack.abort();
  }
}
