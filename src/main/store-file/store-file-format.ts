import { crc32 } from "node:zlib";

/*
 * A whole store as a file: the magic, then records. All integers are little-endian.
 *
 *   record = length (4) | CRC-32 (4) | kind (1) | body (length - 1)
 *
 * The checksum is over kind and body. One header, then pages: rows and a page end each; one trailer.
 */

export const MAGIC = "troupe-export 1\n";
/** Length and checksum. */
export const PREFIX_BYTES = 8;
/** Longest record: the largest state there may be, and room for what stands beside it. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

export const RECORD = { header: 1, row: 2, pageEnd: 3, trailer: 4 } as const;

/** How many rows there are of each kind. */
export type RowCounts = Readonly<Record<string, number>>;

/** What a file says of itself before its first row. */
export interface StoreFileHeader {
  /** Random, so that an import knows a file again. */
  readonly id: string;
  /** The cluster whose seals the rows bear. */
  readonly cluster: string;
  /** Plug-in and engine that were read. */
  readonly source: string;
  /** The server that wrote it. */
  readonly version: string;
  readonly createdMs: number;
  /** About how many rows there are. */
  readonly expectedRows: number;
  /** The newest session that the store had had. */
  readonly session: number;
  /** Nodes lived on the store meanwhile: pages are consistent one by one only. */
  readonly live: boolean;
}

/** What stands behind the rows of each page. */
export interface PageEnd {
  /** Where the reading goes on; `undefined` behind the last row. */
  readonly next: string | undefined;
  /** Rows of this page. */
  readonly pageRows: number;
  /** Rows of this page and all before it, by kind. */
  readonly rows: RowCounts;
  /** Rows that could not be read, and rows that belong to nobody: neither is in the file. */
  readonly damaged: number;
  readonly orphans: number;
}

/** What a file says of itself behind its last row. */
export interface StoreFileTrailer extends Pick<PageEnd, "rows" | "damaged" | "orphans"> {
  readonly pages: number;
  /** SHA-256 of everything before the trailer, hexadecimal. */
  readonly sha256: string;
}

/** The checksum of a record's kind and body. */
export function checksum(bytes: Uint8Array): number {
  return crc32(bytes);
}
