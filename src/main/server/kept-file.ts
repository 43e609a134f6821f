import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { ServerError } from "../../domain/error.ts";
import { syncDirectory } from "./data-dir.ts";

/** The most that is kept. */
const MOST_BYTES = 64 * 1024;

/**
 * A small file of a plug-in that is read once and replaced whole, one save after another. It is
 * private to its owner, and it and its folder are made with the first save.
 */
export class KeptFile {
  readonly #path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Its bytes, or `undefined` if there is none; rejects with `ServerError` if it cannot be read. */
  async load(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(this.#path);
      return new Uint8Array(bytes);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.#unavailable("read", error);
    }
  }

  /** On disk when it resolves. A rejection leaves what was there before. */
  save(bytes: Uint8Array): Promise<void> {
    if (bytes.length > MOST_BYTES) {
      const message = `a plug-in keeps at most ${MOST_BYTES} bytes`;
      return Promise.reject(new ServerError("state.too_large", message, "not_applied"));
    }
    const copy = bytes.slice();
    const saved = this.#saving.then(() => this.#replace(copy));
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    const next = `${this.#path}.next`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      const file = await open(next, "w", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, this.#path);
      syncDirectory(dirname(this.#path));
    } catch (error) {
      throw this.#unavailable("written", error);
    }
  }

  #unavailable(verb: string, cause: unknown): ServerError {
    const why = codeOf(cause) ?? "unknown";
    const message = `the kept file of a plug-in could not be ${verb} (${why})`;
    return new ServerError("state.unavailable", message, "not_applied", { cause });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
