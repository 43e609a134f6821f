import type { Portability, PortableRow } from "../../contract/index.ts";
import type { Advance } from "../cli/progress.ts";
import { IMPORT_PROGRESS } from "./import-progress.ts";
import type { FileRow } from "./row-record.ts";
import type { PageEnd, StoreFileTrailer } from "./store-file-format.ts";
import type { StoreFileWriter } from "./store-file-writer.ts";

/** Where an export stands: all zero and "" at the beginning. */
export interface ExportState extends Pick<PageEnd, "rows" | "damaged" | "orphans"> {
  readonly pages: number;
  /** `undefined` behind the last page. */
  readonly next: string | undefined;
}

/** Rows that are left out, told one by one. */
export type LeftOut = Extract<PortableRow, { readonly kind: "damaged" }> | FileRow;

/** What an export works with besides the store. */
export interface ExportOptions {
  readonly writer: StoreFileWriter;
  readonly from: ExportState;
  readonly totalRows: number;
  readonly advanced: (advance: Advance) => void;
  readonly leftOut: (row: LeftOut) => void;
}

export const EXPORT_BEGINNING: ExportState = {
  pages: 0,
  next: "",
  rows: {},
  damaged: 0,
  orphans: 0,
};
const PAGE_ROWS = 2_000;

/**
 * Writes the pages of a store from where `from` stands; answers what the trailer is to say. While a
 * page is written the next one is read, so at most two are held.
 */
export async function exportStore(
  portability: Portability,
  { writer, from, totalRows, advanced, leftOut }: ExportOptions,
): Promise<Omit<StoreFileTrailer, "sha256">> {
  let { pages, next, damaged, orphans } = from;
  const rows: Record<string, number> = { ...from.rows };
  let reading = next === undefined ? undefined : portability.read(next, PAGE_ROWS);
  while (reading !== undefined) {
    const page: Awaited<ReturnType<Portability["read"]>> = await reading;
    next = page.next;
    reading = next === undefined ? undefined : portability.read(next, PAGE_ROWS);
    // A rejection is met at the next turn of the loop; a write that fails before must not hide it.
    reading?.catch(() => undefined);
    const written: FileRow[] = [];
    for (const row of page.rows) {
      if (row.kind === "damaged") damaged += 1;
      else if (row.kind === "meta" && row.name === IMPORT_PROGRESS) continue;
      else if ("owner" in row && row.owner === undefined) orphans += 1;
      else {
        written.push(row);
        rows[row.kind] = (rows[row.kind] ?? 0) + 1;
        continue;
      }
      leftOut(row);
    }
    await writer.page(written, { next, pageRows: written.length, rows, damaged, orphans });
    pages += 1;
    advanced({ rows: sumOf(rows), totalRows, bytes: writer.written });
  }
  return { pages, rows, damaged, orphans };
}

/** Rows of all kinds. */
export function sumOf(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}
