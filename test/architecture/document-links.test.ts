import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readTexts } from "./source-file.ts";

const ROOT = join(import.meta.dir, "../..");
const LINK = /\]\((?<target>[^)\s]+)\)/g;
/** A path of this repository in running text; patterns with `*` or `<name>` are none. */
const PATH = /`(?<path>(?:bench|deploy|docs|examples|plugins|proto|src|test)\/[\w./-]+)`/g;

/** What a document links to or names, and is not there. Links are relative to the document. */
function missing(path: string, text: string): string[] {
  const links = [...text.matchAll(LINK)].map((match) => match.groups?.["target"] ?? "");
  const named = [...text.matchAll(PATH)].map((match) => match.groups?.["path"] ?? "");
  const files = links
    .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
    .map((target) => join(dirname(path), target.replace(/#.*$/, "")));
  return [...files, ...named]
    .filter((file) => !existsSync(join(ROOT, file)))
    .map((file) => `${path}: ${file} does not exist`);
}

test("documents link to and name files that exist", () => {
  const documents = readTexts().filter(({ path }) => path.endsWith(".md"));
  expect(documents.map(({ path }) => path)).toContain("README.md");
  expect(documents.flatMap(({ path, text }) => missing(path, text))).toEqual([]);
});

test("a link or a name without a file is found", () => {
  const text = "[a](../README.md#x) [b](gone.md) [c](https://x.test/gone) `src/gone.ts` `src/std`";
  expect(missing("docs/PAGE.md", text)).toEqual([
    "docs/PAGE.md: docs/gone.md does not exist",
    "docs/PAGE.md: src/gone.ts does not exist",
  ]);
});
