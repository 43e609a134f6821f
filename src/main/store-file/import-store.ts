import type { ActorId, Portability, Statestore } from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import { isServerError } from "../../domain/error.ts";
import type { Advance } from "../cli/progress.ts";
import { type ImportProgress, progressRow } from "./import-progress.ts";
import { RowMerge } from "./merge-rows.ts";
import type { FileRow } from "./row-record.ts";
import type { StoreFileHeader } from "./store-file-format.ts";
import type { StoreFileReader } from "./store-file-reader.ts";

/** What an import works with. */
export interface ImportOptions {
  readonly store: Statestore;
  readonly portability: Portability;
  readonly reader: StoreFileReader;
  readonly header: StoreFileHeader;
  /** What an earlier try of the same file left. */
  readonly progress: ImportProgress | undefined;
  readonly merge: boolean;
  /** Called before each page is written; rejects if it must not be. */
  readonly checkPage: (rows: readonly FileRow[]) => Promise<void>;
  readonly advanced: (advance: Advance) => void;
}

/** What became of the rows of a file. */
export interface Imported {
  readonly pages: number;
  /** Pages that an earlier try had written. */
  readonly pagesBefore: number;
  /** Rows written, by kind. */
  readonly rows: Readonly<Record<string, number>>;
  /** Rows passed over because the store has newer ones, by kind. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Rows left out because their actor is in neither. */
  readonly ownerless: number;
  readonly bytes: number;
}

/**
 * Writes the pages of a file one after the other, each with the note of how far the import came.
 * While a page is written the next one is read. Rejects with `StoreFileError` at the first record
 * that is not whole; the pages before are in the store then, and none in part.
 */
export class StoreImport {
  readonly #options: ImportOptions;
  readonly #merge: RowMerge | undefined;
  readonly #rows: Record<string, number> = {};
  readonly #skipped: Record<string, number> = {};
  #pages: number;
  #ownerless = 0;
  #bytes = 0;

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#merge = options.merge ? new RowMerge(options.store) : undefined;
    this.#pages = this.pagesBefore;
  }

  /** How far it came, also after a rejection. */
  get imported(): Imported {
    const rows = { ...this.#rows };
    const skipped = { ...this.#skipped };
    const counts = { rows, skipped, ownerless: this.#ownerless, bytes: this.#bytes };
    return { pages: this.#pages, pagesBefore: this.pagesBefore, ...counts };
  }

  /** What is passed over is known only from reading, so a merge begins anew: pages may be repeated. */
  get pagesBefore(): number {
    return this.#merge === undefined ? (this.#options.progress?.pages ?? 0) : 0;
  }

  async run(): Promise<Imported> {
    const { reader, portability } = this.#options;
    let writing = Promise.resolve();
    try {
      for await (const page of reader.pages()) {
        const { number, offset, end } = page;
        const rows = number <= this.pagesBefore ? undefined : page.rows();
        await writing;
        writing = rows === undefined ? Promise.resolve() : this.#page(rows, number);
        writing.catch(() => undefined);
        this.#bytes = offset;
        this.#advance(end.rows);
      }
    } finally {
      // Also when the file is damaged: the page before is to be whole, and counted.
      await writing;
    }
    await portability.write([progressRow(this.#note(this.#pages, true))]);
    return this.imported;
  }

  async #page(rows: readonly FileRow[], number: number): Promise<void> {
    await this.#options.checkPage(rows);
    const chosen = (await this.#merge?.choose(rows)) ?? rows;
    const taken = new Set(chosen);
    for (const row of rows) if (!taken.has(row)) add(this.#skipped, row.kind);
    const written = await this.#write(chosen, number);
    this.#ownerless += chosen.length - written.length;
    this.#pages = number;
    for (const { kind } of written) add(this.#rows, kind);
  }

  /** Writes a page, or what of it has an actor; answers what was written. */
  async #write(rows: readonly FileRow[], number: number): Promise<readonly FileRow[]> {
    const { portability } = this.#options;
    const note = progressRow(this.#note(number, false));
    try {
      await portability.write([...rows, note]);
      return rows;
    } catch (error) {
      if (!isServerError(error) || error.code !== "request.invalid") throw error;
      const owned = await this.#owned(rows);
      if (owned.length === rows.length) throw error;
      await portability.write([...owned, note]);
      return owned;
    }
  }

  async #owned(rows: readonly FileRow[]): Promise<FileRow[]> {
    const owners = new Map<string, ActorId>();
    for (const row of rows) {
      if ("owner" in row && row.owner !== undefined) owners.set(actorPath(row.owner), row.owner);
    }
    const paths = [...owners.keys()];
    const epochs = await this.#options.store.epochs([...owners.values()]);
    const absent = new Set(paths.filter((_, index) => epochs[index] === undefined));
    for (const row of rows) if (row.kind === "actor") absent.delete(actorPath(row.actor));
    return rows.filter((row) => {
      return !("owner" in row) || row.owner === undefined || !absent.has(actorPath(row.owner));
    });
  }

  #note(pages: number, done: boolean): ImportProgress {
    const { header, merge } = this.#options;
    return { file: header.id, pages, merge, done };
  }

  #advance(read: Readonly<Record<string, number>>): void {
    const rows = Object.values(read).reduce((sum, count) => sum + count, 0);
    const { advanced, header } = this.#options;
    advanced({ rows, totalRows: header.expectedRows, bytes: this.#bytes });
  }
}

function add(counts: Record<string, number>, kind: string): void {
  counts[kind] = (counts[kind] ?? 0) + 1;
}
