import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { badInputRows } from "./support/bad-input-rows.ts";
import { VERDICTS } from "./support/bad-input-verdicts.ts";
import { badInputsPage, PAGE, rowsWithoutVerdict } from "./support/bad-inputs-page.ts";

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

test("docs/BAD-INPUTS.md is what the tests say; else run: bun test/e2e/support/bad-inputs-page.ts", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(badInputsPage());
});
