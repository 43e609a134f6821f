import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { PAGE, statestoresPage } from "./statestores-page.ts";

test("docs/STATESTORES.md says what the plug-ins offer; else run: bun test/conformance/statestores-page.ts", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(statestoresPage());
});
