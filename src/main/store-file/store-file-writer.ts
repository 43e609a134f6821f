import { createHash, type Hash } from "node:crypto";
import { type FileRow, rowParts } from "./row-record.ts";
import {
  checksum,
  MAGIC,
  MAX_RECORD_BYTES,
  type PageEnd,
  PREFIX_BYTES,
  RECORD,
  type StoreFileHeader,
  type StoreFileTrailer,
} from "./store-file-format.ts";

/** Where the bytes of a file go; resolves when there is room for more. */
export type FileSink = (bytes: Uint8Array) => Promise<void>;

const ENCODER = new TextEncoder();
const HEAD_LENGTH_BYTES = 4;
const FIRST_BYTES = 1024 * 1024;

/** Writes one file; each call hands its bytes on before it resolves. */
export class StoreFileWriter {
  readonly #sink: FileSink;
  readonly #hash: Hash;
  #buffer = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #written = 0;

  /** `hash` has seen what a file holds already that is gone on with. */
  constructor(sink: FileSink, hash: Hash = createHash("sha256")) {
    this.#sink = sink;
    this.#hash = hash;
  }

  /** Bytes written by this writer. */
  get written(): number {
    return this.#written;
  }

  async header(header: StoreFileHeader): Promise<void> {
    this.#bytes(ENCODER.encode(MAGIC));
    this.#json(RECORD.header, header);
    await this.#flush();
  }

  /** One page: all its rows, then where the reading goes on. */
  async page(rows: readonly FileRow[], end: PageEnd): Promise<void> {
    for (const row of rows) this.#row(row);
    this.#json(RECORD.pageEnd, end);
    await this.#flush();
  }

  async trailer(trailer: Omit<StoreFileTrailer, "sha256">): Promise<void> {
    const sha256 = this.#hash.copy().digest("hex");
    this.#json(RECORD.trailer, { ...trailer, sha256 } satisfies StoreFileTrailer);
    await this.#flush();
  }

  #row(row: FileRow): void {
    const { head, bytes } = rowParts(row);
    const start = this.#begin(RECORD.row);
    // The longest UTF-8 for so many UTF-16 units.
    this.#reserve(HEAD_LENGTH_BYTES + head.length * 3);
    const at = this.#length + HEAD_LENGTH_BYTES;
    const { written } = ENCODER.encodeInto(head, this.#buffer.subarray(at));
    this.#view.setUint32(this.#length, written, true);
    this.#length = at + written;
    for (const part of bytes) this.#bytes(part);
    this.#end(start);
  }

  #json(kind: number, value: unknown): void {
    const start = this.#begin(kind);
    this.#bytes(ENCODER.encode(JSON.stringify(value)));
    this.#end(start);
  }

  #begin(kind: number): number {
    const start = this.#length;
    this.#reserve(PREFIX_BYTES + 1);
    this.#buffer[start + PREFIX_BYTES] = kind;
    this.#length += PREFIX_BYTES + 1;
    return start;
  }

  #end(start: number): void {
    const from = start + PREFIX_BYTES;
    const length = this.#length - from;
    if (length > MAX_RECORD_BYTES) {
      throw new RangeError(`a row of ${length} bytes is larger than a record may be`);
    }
    this.#view.setUint32(start, length, true);
    this.#view.setUint32(start + 4, checksum(this.#buffer.subarray(from, this.#length)), true);
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#hash.update(bytes);
    this.#written += bytes.length;
    this.#length = 0;
    await this.#sink(bytes);
  }
}
