/** Bytes of a frame's length, big endian. */
export const LENGTH_BYTES = 4;

/** Cuts a stream of bytes into frames, each copied at most once. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  #head = new Uint8Array(LENGTH_BYTES);
  #headLength = 0;
  #body: Uint8Array | undefined;
  #bodyLength = 0;

  constructor(maxFrameBytes: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /** Takes the next bytes. Gives back why the stream cannot go on, or `undefined`. */
  push(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body === undefined) {
        const whole = this.#wholeAt(chunk, at);
        if (whole > 0) {
          this.#onFrame(chunk.subarray(at + LENGTH_BYTES, at + whole));
          at += whole;
          continue;
        }
        const taken = Math.min(LENGTH_BYTES - this.#headLength, chunk.length - at);
        this.#head.set(chunk.subarray(at, at + taken), this.#headLength);
        this.#headLength += taken;
        at += taken;
        if (this.#headLength < LENGTH_BYTES) return undefined;
        const length = lengthAt(this.#head, 0);
        if (length > this.#maxFrameBytes) return "frame_too_large";
        this.#headLength = 0;
        this.#body = new Uint8Array(length);
        this.#bodyLength = 0;
      }
      const body = this.#body;
      const taken = Math.min(body.length - this.#bodyLength, chunk.length - at);
      body.set(chunk.subarray(at, at + taken), this.#bodyLength);
      this.#bodyLength += taken;
      at += taken;
      if (this.#bodyLength < body.length) return undefined;
      this.#body = undefined;
      this.#onFrame(body);
    }
    return undefined;
  }

  /** Length of the frame that lies whole at `at`, with its head; 0 if it does not. */
  #wholeAt(chunk: Uint8Array, at: number): number {
    if (this.#headLength > 0 || chunk.length - at < LENGTH_BYTES) return 0;
    const length = lengthAt(chunk, at);
    if (length > this.#maxFrameBytes || length > chunk.length - at - LENGTH_BYTES) return 0;
    return LENGTH_BYTES + length;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + LENGTH_BYTES);
  return a * 0x1_00_00_00 + (b << 16) + (c << 8) + d;
}
