import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";

const ROOT = join(import.meta.dir, "..", "..");

async function typeCheck(
  project: string,
): Promise<{ readonly exitCode: number; readonly said: string }> {
  const compiler = join(ROOT, "node_modules", ".bin", "tsc");
  const run = Bun.spawn([compiler, "-p", project, "--noEmit"], { cwd: ROOT, stdout: "pipe" });
  const said = await new Response(run.stdout).text();
  return { exitCode: await run.exited, said };
}

describe("the types", () => {
  test.each(["tsconfig.json", "src/tsconfig.pure.json"])("hold: %s", async (project) => {
    expect(await typeCheck(project)).toEqual({ exitCode: 0, said: "" });
  });

  test.each([
    ["a timer", "setTimeout(() => undefined, 1);"],
    ["the process", "process.exit(1);"],
    ["the network", 'void fetch("http://example.test");'],
    ["an enum", "export enum A { B }"],
  ])("refuse in a pure layer: %s", async (_, text) => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "planted.ts"), `${text}\nexport {};\n`);
    const pure = join(ROOT, "src", "tsconfig.pure.json");
    const project = { extends: pure, include: [folder.path], exclude: [] };
    writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify(project));
    const { exitCode, said } = await typeCheck(folder.path);
    expect(exitCode).not.toBe(0);
    expect(said).toContain("planted.ts(1,");
  });
});
