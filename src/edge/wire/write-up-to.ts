import type { ProtoWriter } from "./writer.ts";

/** Writes entries until the message has `bytes` bytes; gives back those that did not go. */
export function writeUpTo<T>(
  writer: ProtoWriter,
  bytes: number,
  entries: T[],
  write: (entry: T) => void,
): T[] {
  let written = 0;
  for (const entry of entries) {
    if (writer.length >= bytes) break;
    write(entry);
    written += 1;
  }
  return written === entries.length ? [] : entries.slice(written);
}
