import { describe, expect, test } from "bun:test";
import { checkDocComments } from "./doc-comment-rule.ts";
import { readTree, report, sourceFile } from "./source-file.ts";

const check = (path: string, text: string): string[] =>
  report(checkDocComments(sourceFile(path, text)));

describe("doc comments", () => {
  test("stand above every exported symbol of contract, core and kernel", () => {
    expect(report(readTree().flatMap(checkDocComments))).toEqual([]);
  });

  test.each([
    "export interface A {}",
    "export type A = string;",
    "// only a remark\nexport function a(): void {}",
    "/* no doc comment */\nexport const a = 1;",
    "/** Of something else. */\n\nexport class A {}",
  ])("are missed: %s", (text) => {
    expect(check("src/core/a.ts", text)).toHaveLength(1);
  });

  test.each([
    "/** A thing. */\nexport interface A {}",
    "/**\n * A thing.\n *\n * More of it.\n */\nexport async function a(): Promise<void> {}",
    'export * from "./b.ts";',
    'export type { B } from "./b.ts";',
    "interface Hidden {}",
  ])("are not missed: %s", (text) => {
    expect(check("src/core/a.ts", text)).toEqual([]);
    expect(check("src/edge/a.ts", "export const a = 1;")).toEqual([]);
  });
});
