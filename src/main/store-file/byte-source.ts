/** Chunks as one run of bytes, of which only what is asked for is held. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);
  #at = 0;
  #offset = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are held and not taken. */
  get left(): number {
    return this.#held.length - this.#at;
  }

  /** Waits until so many bytes are held; false if the chunks end before. */
  async need(length: number): Promise<boolean> {
    if (this.left >= length) return true;
    const parts = [this.#held.subarray(this.#at)];
    let held = this.left;
    while (held < length) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      parts.push(next.value);
      held += next.value.length;
    }
    // What was given out before stays as it is: it lies in the chunks that came before.
    this.#held = parts.length === 1 ? this.#held.subarray(this.#at) : Buffer.concat(parts, held);
    this.#at = 0;
    return held >= length;
  }

  /** The next bytes, which must be held. */
  peek(length: number): Uint8Array {
    return this.#held.subarray(this.#at, this.#at + length);
  }

  /** As `peek`, and goes on behind them. */
  take(length: number): Uint8Array {
    const taken = this.peek(length);
    this.#at += length;
    this.#offset += length;
    return taken;
  }
}
