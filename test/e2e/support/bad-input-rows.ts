import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./troupe-process.ts";

/** One row of the catalogue of bad inputs. */
export interface BadInputRow {
  readonly id: string;
  readonly input: string;
  readonly expected: string;
}

/** The catalogue, by id, in its order. */
export function badInputRows(): ReadonlyMap<string, BadInputRow> {
  const lines = readFileSync(join(ROOT, "test", "cases", "bad-inputs.tsv"), "utf8")
    .trimEnd()
    .split("\n");
  return new Map(
    lines.slice(1).map((line) => {
      const [id = "", input = "", expected = ""] = line.split("\t");
      return [id, { id, input, expected }];
    }),
  );
}

/** The words of a row as the name of its test; throws if there is no such row. */
export function rowName(rows: ReadonlyMap<string, BadInputRow>, id: string): string {
  const row = rows.get(id);
  if (row === undefined) throw new Error(`there is no row ${id}`);
  return `${id}: ${row.input} → ${row.expected}`;
}
