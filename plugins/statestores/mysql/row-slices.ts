import type { SqlTuple } from "../kit/sql/commit-batch.ts";
import { StoreFailure } from "../kit/failure.ts";
import { bucketOf } from "../kit/sql/dialect.ts";

/** Most rows in one statement: what a row costs grows with the number of those beside it. */
const MOST_ROWS = 64;

/** About how many bytes a row is on its way to the server. */
function bytesOf(row: SqlTuple): number {
  let bytes = 0;
  for (const value of row) {
    if (value instanceof Uint8Array) bytes += value.length + 9;
    else bytes += typeof value === "string" ? value.length * 3 + 9 : 9;
  }
  return bytes;
}

/** Room in a packet for the text of a statement, its other values and the headers. */
const OVERHEAD_BYTES = 64 * 1024;

/**
 * Slices in order, each of at most half a packet of the server, unless a row is larger by itself.
 * Throws if a row has no room in a packet.
 */
function slices(rows: readonly SqlTuple[], packetBytes: number): readonly (readonly SqlTuple[])[] {
  const found: SqlTuple[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = bytesOf(row);
    if (size > packetBytes - OVERHEAD_BYTES) throw tooLarge(size, packetBytes);
    const current = found.at(-1);
    if (current === undefined || current.length === MOST_ROWS || bytes + size > packetBytes / 2) {
      found.push([row]);
      bytes = size;
    } else {
      current.push(row);
      bytes += size;
    }
  }
  return found;
}

function tooLarge(size: number, packetBytes: number): StoreFailure {
  const message = `a row of ${size} bytes is too large for max_allowed_packet=${packetBytes}`;
  return new StoreFailure("state.too_large", message, "not_applied", {
    reason: "PACKET_TOO_LARGE",
  });
}

/**
 * Slices whose length is a power of two. Spare places repeat the identity of the last row, whose own
 * place comes before them; everything else in them is NULL.
 */
export function padded(
  rows: readonly SqlTuple[],
  packetBytes: number,
): readonly (readonly SqlTuple[])[] {
  return slices(rows, packetBytes).map((slice) => {
    const spare = bucketOf(slice.length) - slice.length;
    const last = slice.at(-1);
    if (last === undefined || spare === 0) return slice;
    const row = last.map((value, index) => (index === 0 ? value : null));
    return [...slice, ...new Array<SqlTuple>(spare).fill(row)];
  });
}

/** Slices whose length is a power of two without spare places: each row comes once. */
export function sliced(
  rows: readonly SqlTuple[],
  packetBytes: number,
): readonly (readonly SqlTuple[])[] {
  return slices(rows, packetBytes).flatMap((slice) => {
    const parts: (readonly SqlTuple[])[] = [];
    let at = 0;
    while (at < slice.length) {
      const bucket = bucketOf(slice.length - at);
      const size = bucket > slice.length - at ? bucket / 2 : bucket;
      parts.push(slice.slice(at, at + size));
      at += size;
    }
    return parts;
  });
}
