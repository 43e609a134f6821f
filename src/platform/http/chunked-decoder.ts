/** Takes the data of one chunk, or a part of it. */
export type ChunkSink = (data: Uint8Array) => void;

type Step = "size" | "data" | "dataEnd" | "trailer" | "done";

/** Longest line (a chunk size with extensions, or one trailer field) that is kept while incomplete. */
const LONGEST_LINE_BYTES = 4096;
const MOST_TRAILER_BYTES = 16_384;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
const SIZE_LINE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
const TRAILER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*$/;

/** The chunked transfer coding of a request (RFC 9112, section 7.1). Trailer fields are checked and dropped. */
export class ChunkedDecoder {
  #step: Step = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  get done(): boolean {
    return this.#step === "done";
  }

  /** Takes bytes from `at` on; answers where it stopped, or -1 if the coding is broken. */
  feed(bytes: Buffer, from: number, sink: ChunkSink): number {
    let at = from;
    while (at < bytes.length && this.#step !== "done") {
      if (this.#step === "data") {
        const end = Math.min(bytes.length, at + this.#left);
        sink(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#step = "dataEnd";
        continue;
      }
      const lineFeed = bytes.indexOf(10, at);
      const end = lineFeed < 0 ? bytes.length : lineFeed + 1;
      if (this.#line.length + end - at > LONGEST_LINE_BYTES) return -1;
      this.#line += bytes.toString("latin1", at, end);
      at = end;
      if (lineFeed >= 0 && !this.#takeLine()) return -1;
    }
    return at;
  }

  #takeLine(): boolean {
    if (!this.#line.endsWith("\r\n")) return false;
    const line = this.#line.slice(0, -2);
    this.#line = "";
    if (this.#step === "dataEnd") {
      this.#step = "size";
      return line === "";
    }
    if (this.#step === "size") {
      const size = SIZE_LINE.exec(line)?.[1];
      if (size === undefined) return false;
      this.#left = Number.parseInt(size, 16);
      this.#step = this.#left === 0 ? "trailer" : "data";
      return true;
    }
    if (line === "") {
      this.#step = "done";
      return true;
    }
    this.#trailerBytes += line.length;
    return this.#trailerBytes <= MOST_TRAILER_BYTES && TRAILER_LINE.test(line);
  }
}
