import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { badInputRows } from "./bad-input-rows.ts";
import { verdictOf } from "./bad-input-verdicts.ts";
import { ROOT } from "./troupe-process.ts";

export const PAGE = join(ROOT, "docs", "BAD-INPUTS.md");
const ID = /\b(?:RPC|SWIM|CFG|PLUG|ACL|DB|BRK|HOST)-\d{3}\b/g;

/** Test files by the rows that they name. */
function testsByRow(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const folder of ["plugins", "src", "test"]) {
    for (const path of [...new Glob("**/*.test.ts").scanSync({ cwd: join(ROOT, folder) })].sort()) {
      const text = readFileSync(join(ROOT, folder, path), "utf8");
      for (const id of new Set(text.match(ID))) {
        found.set(id, [...(found.get(id) ?? []), `${folder}/${path}`]);
      }
    }
  }
  return found;
}

/** Rows of which nothing is said, neither by a test nor in the table. */
export function rowsWithoutVerdict(): readonly string[] {
  const tested = testsByRow();
  return [...badInputRows().keys()].filter((id) => !tested.has(id) && verdictOf(id) === undefined);
}

/** The whole of docs/BAD-INPUTS.md. */
export function badInputsPage(): string {
  const tested = testsByRow();
  const counts = new Map<string, number>();
  const lines = [...badInputRows().values()].map(({ id, input, expected }) => {
    const tests = (tested.get(id) ?? []).map((path) => `\`${path}\``);
    const [, verdict = tests.length > 0 ? "met" : "unknown", note = ""] = verdictOf(id) ?? [];
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    const shown = [note, ...tests].filter((part) => part !== "").join("; ");
    return `| ${[id, input, expected, verdict, shown].map(cell).join(" | ")} |`;
  });
  const sums = [...counts].sort().map(([verdict, count]) => `${count} ${verdict}`);
  return `# Bad inputs

What the server does with ${lines.length} inputs that are wrong or hostile: ${sums.join(", ")}. *Met* is as the catalogue asks;
*differs* says what is so here; *later* needs a part that this release does not have; *other design* asks for something
that does not exist here on purpose. The tests named run each row, those of \`test/e2e\` against the compiled binary.
This page is written by \`node launcher.mjs bun test/e2e/support/bad-inputs-page.ts\` from the tests.

| Row | Input | Asked for | Here | Where |
|---|---|---|---|---|
${lines.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) writeFileSync(PAGE, badInputsPage());
