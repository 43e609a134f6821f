import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { badInputRows } from "./support/bad-input-rows.ts";
import { VERDICTS } from "./support/bad-input-verdicts.ts";
import { badInputsPage, PAGE, rowsWithoutVerdict } from "./support/bad-inputs-page.ts";
import { ROOT } from "./support/troupe-process.ts";

test("every row of the catalogue is tested, or it is said why not", () => {
  expect(rowsWithoutVerdict()).toEqual([]);
});

test("the table names rows that there are", () => {
  const ids = [...badInputRows().keys()];
  const names = VERDICTS.flatMap(([named]) => named.split(" "));
  const strange = names.filter(
    (name) => !ids.some((id) => id === name || id.startsWith(`${name}-`)),
  );
  expect(strange).toEqual([]);
});

test("the table names files that there are", () => {
  const notes = VERDICTS.map(([, , note]) => note).join(" ");
  const paths = [...notes.matchAll(/`((?:src|plugins|test)\/[^`{*]+\.ts)`/g)].map(
    ([, path]) => path ?? "",
  );
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("docs/BAD-INPUTS.md is what the tests say; else run: bun test/e2e/support/bad-inputs-page.ts", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(badInputsPage());
});
