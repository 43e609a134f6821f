import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PortableRow } from "../../src/contract/index.ts";
import { StoreFileReader } from "../../src/main/store-file/store-file-reader.ts";
import { readAll, texts } from "../conformance/support/portable-rows.ts";
import { type ProgramRun, runInProcess, type Written } from "./run-program.ts";
import { fillSealed, keyFile, onSqlite } from "./sealed-store.ts";
import { tempDir } from "./temp-dir.ts";

const NAMES = ["a", "b", "c", "d", "e"];

/** A filled store, and the places of another and of a file. */
export interface MoveFolder extends Disposable {
  readonly path: string;
  /** File with the key of the source. */
  readonly key: string;
  readonly source: string;
  readonly target: string;
  readonly file: string;
}

/** A folder with a filled store. */
export async function filled(names: readonly string[] = NAMES): Promise<MoveFolder> {
  const folder = tempDir();
  const key = keyFile(folder.path);
  const at = (name: string): string => join(folder.path, name);
  const places = { key, source: at("source"), target: at("target"), file: at("out.troupe") };
  await onSqlite(places.source, (store) => fillSealed(store, readFileSync(key, "utf8"), names));
  return Object.assign(folder, places);
}

/** Runs a command on the store of a folder. */
export function troupe(command: string, dir: string, more: readonly string[], run?: ProgramRun) {
  const where = ["--data-dir", dir, "--cluster", "test"];
  return runInProcess([command, ...where, ...more], run);
}

/** Every row of the store of a folder. */
export const rowsOf = (dir: string): Promise<PortableRow[]> =>
  onSqlite(dir, (store) => readAll(store.portability));

/** Rows without the note of an import. */
export async function movedRows(dir: string): Promise<string[]> {
  const rows = await rowsOf(dir);
  return texts(rows.filter((row) => !(row.kind === "meta" && row.name === "import")));
}

/** Does what somebody with a shell on the machine could do. */
export function edit(dir: string, ...statements: readonly string[]): void {
  const db = new Database(join(dir, "troupe.db"));
  for (const sql of statements) db.run(sql);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** What `--json` said of the failure of a command. */
export const errorOf = ({ err }: Written): { readonly message: string; readonly hint: string } =>
  (JSON.parse(err.trimEnd().split("\n").at(-1) ?? "") as { error: never }).error;

/** Exports the filled store. */
export async function exported(folder: MoveFolder): Promise<void> {
  expect((await troupe("export", folder.source, ["--to", folder.file])).code).toBe(0);
}

/** Where the pages of a file end. */
export async function pageEnds(path: string): Promise<number[]> {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield readFileSync(path);
  };
  const reader = new StoreFileReader(chunks());
  await reader.header();
  const ends: number[] = [];
  for await (const { offset } of reader.pages()) ends.push(offset);
  return ends;
}
