import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { EXPORT_BEGINNING, type ExportState } from "./export-store.ts";
import { StoreFileError } from "./store-file-error.ts";
import type { StoreFileHeader } from "./store-file-format.ts";
import { StoreFileReader } from "./store-file-reader.ts";
import type { FileSink } from "./store-file-writer.ts";

/** What an unfinished file holds up to its last whole page. */
export interface PartState extends ExportState {
  /** `undefined` if not even the header is whole: then it begins anew. */
  readonly header: StoreFileHeader | undefined;
  /** Bytes that are kept. */
  readonly offset: number;
  /** Digest over them. */
  readonly hash: Hash;
}

/** A file grows under another name and takes its own when it is whole. */
export function partPath(path: string): string {
  return `${path}.part`;
}

/** Reads what an export that ended early has left; what is not whole is passed over. */
export async function readPart(path: string): Promise<PartState> {
  const reader = new StoreFileReader(createReadStream(path));
  const hash = createHash("sha256");
  let state: PartState = {
    ...EXPORT_BEGINNING,
    header: undefined,
    offset: 0,
    hash,
  };
  try {
    const header = await reader.header();
    state = { ...state, header, offset: reader.offset, hash: reader.passedHash() };
    for await (const { number: pages, end, offset } of reader.pages()) {
      const { next, rows, damaged, orphans } = end;
      const hash = reader.passedHash();
      state = { ...state, pages, next, rows, damaged, orphans, offset, hash };
    }
    return state;
  } catch (error) {
    if (error instanceof StoreFileError) return state;
    throw error;
  }
}

/** An open file under its unfinished name. */
export class PartFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #position: number;

  private constructor(path: string, handle: FileHandle, position: number) {
    this.#path = path;
    this.#handle = handle;
    this.#position = position;
  }

  /** A new one, which only its owner may read; rejects with the system's error if there is one. */
  static async create(path: string): Promise<PartFile> {
    return new PartFile(path, await open(partPath(path), "wx", 0o600), 0);
  }

  /** Goes on behind the first `offset` bytes. */
  static async goOn(path: string, offset: number): Promise<PartFile> {
    const handle = await open(partPath(path), "r+");
    await handle.truncate(offset);
    return new PartFile(path, handle, offset);
  }

  readonly sink: FileSink = async (bytes) => {
    for (let done = 0; done < bytes.length; ) {
      const rest = bytes.length - done;
      const { bytesWritten } = await this.#handle.write(bytes, done, rest, this.#position);
      done += bytesWritten;
      this.#position += bytesWritten;
    }
  };

  /** Makes it durable and gives it its name, unless another file has taken that meanwhile. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await nameWhole(this.#path);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Gives a whole file its name; rejects with `EEXIST` if that is taken. */
async function nameWhole(path: string): Promise<void> {
  await refuseTaken(path);
  await rename(partPath(path), path);
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Rejects with `EEXIST` if there is anything of this name. */
export async function refuseTaken(path: string): Promise<void> {
  const taken = await open(path, "r").catch((error: NodeJS.ErrnoException) => error.code);
  if (taken === "ENOENT") return;
  if (typeof taken === "object") await taken.close();
  throw Object.assign(new Error(`${path} exists already`), { code: "EEXIST", syscall: "open" });
}
