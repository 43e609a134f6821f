import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** A small text file, or why there is none. */
type FileText =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "failed";
      readonly reason: "not_found" | "not_a_file" | "not_readable" | "too_large" | "charset";
    };

const STANDARD_INPUT = 0;
const CHUNK_BYTES = 65_536;

function failed(error: unknown): FileText {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EISDIR" || code === "ENXIO") return { kind: "failed", reason: "not_a_file" };
  const missing = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EBADF"].includes(code);
  return { kind: "failed", reason: missing ? "not_found" : "not_readable" };
}

/** Reads until the end or one byte beyond the limit, so that what grows cannot hold us. */
function readBytes(descriptor: number, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total <= maxBytes) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, maxBytes + 1 - total));
    const count = readSync(descriptor, chunk, 0, chunk.length, null);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, maxBytes: number): FileText {
  if (bytes.length > maxBytes) return { kind: "failed", reason: "too_large" };
  try {
    return { kind: "text", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "failed", reason: "charset" };
  }
}

/**
 * Reads configuration and secret files; `-` is standard input. Only regular files are read: opening a
 * FIFO or a device could wait for ever. A closed standard input gives "".
 */
export const configFiles = {
  read(path: string, maxBytes: number): FileText {
    if (path === "-") {
      try {
        return decode(readBytes(STANDARD_INPUT, maxBytes), maxBytes);
      } catch {
        return { kind: "text", text: "" };
      }
    }
    let descriptor: number;
    try {
      // Without NONBLOCK the opening of a FIFO waits for a writer.
      descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      return failed(error);
    }
    try {
      if (!fstatSync(descriptor).isFile()) return { kind: "failed", reason: "not_a_file" };
      return decode(readBytes(descriptor, maxBytes), maxBytes);
    } catch (error) {
      return failed(error);
    } finally {
      closeSync(descriptor);
    }
  },
} as const;
