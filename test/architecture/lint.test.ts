import { describe, expect, test } from "bun:test";
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** The linter's answer about files in a folder of their own, under the configuration of the tree. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  using folder = tempDir();
  cpSync(join(ROOT, ".oxlintrc.json"), join(folder.path, ".oxlintrc.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  writeFileSync(join(folder.path, "tsconfig.json"), '{ "compilerOptions": { "strict": true } }');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
  const command = [join(ROOT, "node_modules", ".bin", "oxlint"), "--format=unix"];
  const run = Bun.spawn(command, { cwd: folder.path, stdout: "pipe" });
  return await new Response(run.stdout).text();
}

const branches = Array.from({ length: 16 }, (_, i) => `  if (a === ${i}) return ${i};\n`).join("");

describe("the linter catches", () => {
  test.each([
    ["no-floating-promises", "export const f = (p: Promise<void>): void => {\n  p;\n};\n"],
    [
      "no-misused-promises",
      "export const f = (g: (h: () => void) => void): void => g(async () => {});\n",
    ],
    [
      "switch-exhaustiveness-check",
      'export function f(a: "x" | "y"): number {\n  switch (a) {\n    case "x":\n      return 1;\n  }\n  return 2;\n}\n',
    ],
    ["no-explicit-any", "export const a: any = 1;\n"],
    ["only-throw-error", 'export const f = (): never => {\n  throw "text";\n};\n'],
    [
      "return-await",
      "export async function f(p: Promise<void>): Promise<void> {\n  try {\n    return p;\n  } finally {\n    f(p).catch(() => undefined);\n  }\n}\n",
    ],
    ["max-lines", "export const a = 1;\n".replace("a", "a0") + "\n".repeat(401)],
    ["max-lines-per-function", `export function f(): void {\n${"  f();\n".repeat(70)}}\n`],
    ["complexity", `export function f(a: number): number {\n${branches}  return a;\n}\n`],
  ])("%s", async (rule, text) => {
    expect(await lint({ "planted.ts": text })).toMatch(new RegExp(`planted\\.ts.*\\b${rule}\\b`));
  });

  test("import cycles of values, not of types", async () => {
    const a = 'import { b } from "./b.ts";\nexport const a = (): number => b();\n';
    const b = 'import { a } from "./a.ts";\nexport const b = (): number => a();\n';
    const typed =
      'import type { a } from "./a.ts";\nexport const b = (): number => ({}) as ReturnType<typeof a>;\n';
    expect(await lint({ "a.ts": a, "b.ts": b })).toContain("no-cycle");
    expect(await lint({ "a.ts": a, "b.ts": typed })).not.toContain("no-cycle");
  });

  test("nothing in a good file", async () => {
    expect(await lint({ "good.ts": "export const a = 1;\n" })).not.toContain("good.ts");
  });
});
