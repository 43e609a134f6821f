import { createHash, type Hash } from "node:crypto";
import { ByteSource } from "./byte-source.ts";
import { type FileRow, readRow } from "./row-record.ts";
import { StoreFileError } from "./store-file-error.ts";
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

/** A page whose every record has been found whole. */
export interface FilePage {
  /** From 1. */
  readonly number: number;
  readonly end: PageEnd;
  /** Bytes of the file up to the end of this page. */
  readonly offset: number;
  /** The rows; throws `StoreFileError` at the first that no export would have written. */
  rows(): FileRow[];
}

interface RowRecord {
  readonly index: number;
  readonly offset: number;
  /** A view that holds until the page is let go. */
  readonly body: Uint8Array;
}

const DECODER = new TextDecoder("utf-8", { fatal: true });
const HEAD_LENGTH_BYTES = 4;
const CUT_SHORT = "is cut short: the file ends early";

/**
 * Reads one file from its chunks, a page at a time. Everything throws `StoreFileError` at the first
 * record that is not whole; pages before it have been given out.
 */
export class StoreFileReader {
  readonly #source: ByteSource;
  readonly #hash: Hash = createHash("sha256");
  #index = 0;
  #pages = 0;
  #trailer: StoreFileTrailer | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#source = new ByteSource(chunks);
  }

  /** What stands behind the last page, once `pages` has ended. */
  get trailer(): StoreFileTrailer | undefined {
    return this.#trailer;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#source.offset;
  }

  /** The digest over everything up to the end of the last page. */
  passedHash(): Hash {
    return this.#hash.copy();
  }

  /** Called first. */
  async header(): Promise<StoreFileHeader> {
    const whole = await this.#source.need(MAGIC.length);
    if (!whole || !isMagic(this.#source.peek(MAGIC.length))) {
      throw new StoreFileError("is not the beginning of an export of this version", 0, 0);
    }
    this.#hash.update(this.#source.take(MAGIC.length));
    const record = await this.#record();
    if (record?.kind !== RECORD.header) throw this.#error("is not a header", MAGIC.length);
    return readHeader(this.#json(record.body, MAGIC.length), (what) =>
      this.#error(what, MAGIC.length),
    );
  }

  async *pages(): AsyncGenerator<FilePage> {
    let rows: RowRecord[] = [];
    for (;;) {
      const { offset } = this.#source;
      this.#index += 1;
      const record = await this.#record();
      if (record === undefined) throw this.#error("is missing: the file ends early", offset);
      if (record.kind === RECORD.row) {
        rows.push({ index: this.#index, offset, body: record.body });
      } else if (record.kind === RECORD.pageEnd) {
        yield this.#page(rows, this.#json(record.body, offset) as PageEnd, offset);
        rows = [];
      } else {
        if (record.kind !== RECORD.trailer || rows.length > 0) {
          throw this.#error("has no place there", offset);
        }
        await this.#finish(this.#json(record.body, offset) as StoreFileTrailer, offset);
        return;
      }
    }
  }

  #page(rows: readonly RowRecord[], end: PageEnd, offset: number): FilePage {
    if (end.pageRows !== rows.length) {
      throw this.#error(
        `ends a page of ${end.pageRows} rows, of which ${rows.length} are there`,
        offset,
      );
    }
    this.#pages += 1;
    return {
      number: this.#pages,
      end,
      offset: this.#source.offset,
      rows: () => rows.map(decodeRow),
    };
  }

  async #finish(trailer: StoreFileTrailer, offset: number): Promise<void> {
    if (trailer.sha256 !== this.#hash.digest("hex"))
      throw this.#error("names another digest than the file has", offset);
    if (trailer.pages !== this.#pages) {
      throw this.#error(`counts ${trailer.pages} pages instead of ${this.#pages}`, offset);
    }
    if (await this.#source.need(1)) {
      this.#index += 1;
      throw this.#error("stands behind the end", this.#source.offset);
    }
    this.#trailer = trailer;
  }

  /** The next record; `undefined` if the file ends before it. */
  async #record(): Promise<{ readonly kind: number; readonly body: Uint8Array } | undefined> {
    const source = this.#source;
    const { offset } = source;
    if (source.left < PREFIX_BYTES && !(await source.need(PREFIX_BYTES))) {
      if (source.left === 0) return undefined;
      throw this.#error(CUT_SHORT, offset);
    }
    const prefix = source.peek(PREFIX_BYTES);
    const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
    const length = view.getUint32(0, true);
    const expected = view.getUint32(4, true);
    if (length < 1 || length > MAX_RECORD_BYTES) {
      throw this.#error(`has the length ${length}, which no record has`, offset);
    }
    const size = PREFIX_BYTES + length;
    if (source.left < size && !(await source.need(size))) throw this.#error(CUT_SHORT, offset);
    const record = source.take(size);
    const content = record.subarray(PREFIX_BYTES);
    if (checksum(content) !== expected) throw this.#error("has another checksum", offset);
    const kind = content[0] ?? 0;
    if (kind !== RECORD.trailer) this.#hash.update(record);
    return { kind, body: content.subarray(1) };
  }

  #json(body: Uint8Array, offset: number): unknown {
    let value: unknown;
    try {
      value = JSON.parse(DECODER.decode(body));
    } catch {
      throw this.#error("is not JSON", offset);
    }
    if (typeof value === "object" && value !== null) return value;
    throw this.#error("is not an object", offset);
  }

  #error(what: string, offset: number): StoreFileError {
    return new StoreFileError(what, this.#index, offset);
  }
}

function isMagic(bytes: Uint8Array): boolean {
  return MAGIC.split("").every((character, index) => character.charCodeAt(0) === bytes[index]);
}

function decodeRow({ index, offset, body }: RowRecord): FileRow {
  try {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const headEnd = HEAD_LENGTH_BYTES + view.getUint32(0, true);
    if (headEnd > body.length) throw new TypeError("is shorter than its head");
    return readRow(
      DECODER.decode(body.subarray(HEAD_LENGTH_BYTES, headEnd)),
      body.subarray(headEnd),
    );
  } catch (error) {
    const what = error instanceof TypeError ? error.message : "holds no row";
    throw new StoreFileError(what, index, offset);
  }
}

function readHeader(value: unknown, refuse: (what: string) => StoreFileError): StoreFileHeader {
  const header = value as Partial<StoreFileHeader>;
  const { id, cluster, source, version } = header;
  const { createdMs, expectedRows, session, live } = header;
  const texts = [id, cluster, source, version].every((text) => typeof text === "string");
  const numbers = [createdMs, expectedRows, session].every((number) =>
    Number.isSafeInteger(number),
  );
  if (!texts || !numbers || typeof live !== "boolean") throw refuse("is not a header");
  return header as StoreFileHeader;
}
