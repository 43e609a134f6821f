import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { tempDir } from "../support/temp-dir.ts";

const ROOT = join(import.meta.dir, "..", "..");

async function buf(...parameters: readonly string[]): Promise<{ exitCode: number; said: string }> {
  const path = join(ROOT, "node_modules", ".bin", "buf");
  const run = Bun.spawn([path, ...parameters], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const said = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
  ]);
  return { exitCode: await run.exited, said: said.join("") };
}

function read(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const paths = [...new Glob("**/*.ts").scanSync({ cwd: folder })].sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/** Names of files that differ or exist on one side only. */
function differences(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((path) => a[path] !== b[path]);
}

describe("the protocol", () => {
  test("passes the linter of its language", async () => {
    expect(await buf("lint")).toEqual({ exitCode: 0, said: "" });
  });

  test("is what the generated code says", async () => {
    using folder = tempDir();
    expect(await buf("generate", "-o", folder.path)).toEqual({ exitCode: 0, said: "" });
    const fresh = read(join(folder.path, "src", "gen"));
    expect(Object.keys(fresh)).not.toEqual([]);
    expect(differences(fresh, read(join(ROOT, "src", "gen")))).toEqual([]);
  });

  test("drift is seen: a change, a file too many, a file too few", () => {
    expect(differences({ a: "1" }, { a: "2" })).toEqual(["a"]);
    expect(differences({}, { a: "1" })).toEqual(["a"]);
    expect(differences({ a: "1" }, {})).toEqual(["a"]);
  });
});
