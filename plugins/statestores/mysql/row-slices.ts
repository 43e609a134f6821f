import type { SqlTuple } from "../kit/sql/commit-batch.ts";
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

/** Slices in order, each within rows and bytes; a row that is larger by itself is a slice of its own. */
function slices(rows: readonly SqlTuple[], maxBytes: number): readonly (readonly SqlTuple[])[] {
  const found: SqlTuple[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = bytesOf(row);
    const current = found.at(-1);
    if (current === undefined || current.length === MOST_ROWS || bytes + size > maxBytes) {
      found.push([row]);
      bytes = size;
    } else {
      current.push(row);
      bytes += size;
    }
  }
  return found;
}

/**
 * Slices whose length is a power of two. Spare places repeat the identity of the last row, whose own
 * place comes before them; everything else in them is NULL.
 */
export function padded(
  rows: readonly SqlTuple[],
  maxBytes: number,
): readonly (readonly SqlTuple[])[] {
  return slices(rows, maxBytes).map((slice) => {
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
  maxBytes: number,
): readonly (readonly SqlTuple[])[] {
  return slices(rows, maxBytes).flatMap((slice) => {
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
