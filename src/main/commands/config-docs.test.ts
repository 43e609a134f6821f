import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configurationMarkdown } from "./config-docs.ts";

test("docs/CONFIGURATION.md is what the tables say; else run: npm run gen", () => {
  const path = join(import.meta.dir, "..", "..", "..", "docs", "CONFIGURATION.md");
  expect(readFileSync(path, "utf8")).toBe(configurationMarkdown());
});
