import type { MetaTable, PortableRow } from "../../contract/index.ts";

/** The named value that says how far an import came; no export has it. */
export const IMPORT_PROGRESS = "import";

/** How far the import of one file came. */
export interface ImportProgress {
  /** Id of the file. */
  readonly file: string;
  /** Whole pages that are in the store. */
  readonly pages: number;
  readonly merge: boolean;
  readonly done: boolean;
}

/** What the last import left, or `undefined` if there was none. */
export async function readProgress(meta: MetaTable): Promise<ImportProgress | undefined> {
  const value = await meta.get(IMPORT_PROGRESS);
  if (value === undefined) return undefined;
  return JSON.parse(new TextDecoder().decode(value)) as ImportProgress;
}

/** The row that is written together with a page, so that both are there or neither. */
export function progressRow(progress: ImportProgress): PortableRow {
  const value = new TextEncoder().encode(JSON.stringify(progress));
  return { kind: "meta", name: IMPORT_PROGRESS, value };
}
