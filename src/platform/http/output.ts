/** What takes bytes: a socket or an HTTP/2 stream. `false` asks to wait for its drain. */
export interface Sink {
  write(chunk: Uint8Array): boolean;
}

/** Large bodies go out in slices: each one taken is progress, and streams of a connection alternate. */
export const SLICE_BYTES = 64 * 1024;

/** Ordered output of one response, with back-pressure. */
export class Output {
  readonly #sink: Sink;
  #queue: Uint8Array[] = [];
  #blocked = false;
  #room: Promise<void> | undefined;
  #openRoom: (() => void) | undefined;
  #afterwards: (() => void) | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** `undefined` if more may be written at once, else a promise of room or of the end. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.length > SLICE_BYTES || this.#blocked) {
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
        this.#queue.push(chunk.subarray(at, at + SLICE_BYTES));
      }
      this.#pump();
    } else if (!this.#sink.write(chunk)) {
      this.#blocked = true;
    }
    if (!this.#blocked) return undefined;
    this.#room ??= new Promise((resolve) => {
      this.#openRoom = resolve;
    });
    return this.#room;
  }

  /** Runs `callback` when everything written before has been handed to the sink. */
  afterwards(callback: () => void): void {
    if (this.#queue.length === 0) callback();
    else this.#afterwards = callback;
  }

  /** The sink has room again. */
  drained(): void {
    this.#blocked = false;
    this.#pump();
    if (!this.#blocked) this.release();
  }

  /** Lets every waiting writer go: there is room, or the peer is gone. */
  release(): void {
    const open = this.#openRoom;
    this.#openRoom = undefined;
    this.#room = undefined;
    open?.();
  }

  /** Drops what has not been handed over. */
  abandon(): void {
    this.#queue = [];
    this.#afterwards = undefined;
    this.release();
  }

  #pump(): void {
    let next = 0;
    while (!this.#blocked && next < this.#queue.length) {
      const slice = this.#queue[next++];
      if (slice !== undefined && !this.#sink.write(slice)) this.#blocked = true;
    }
    this.#queue = next === this.#queue.length ? [] : this.#queue.slice(next);
    if (this.#queue.length > 0) return;
    const callback = this.#afterwards;
    this.#afterwards = undefined;
    callback?.();
  }
}
