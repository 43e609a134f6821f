import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

describe("dependencies", () => {
  const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const versions = { ...dependencies, ...devDependencies, ...optionalDependencies };

  test("have a reason each, and no reason is left over", () => {
    const page = readFileSync(join(ROOT, "docs/decisions/0001-dependencies.md"), "utf8");
    const explained = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1] ?? "");
    expect(explained.sort()).toEqual(Object.keys(versions).sort());
  });

  test("have exact versions", () => {
    const loose = Object.entries(versions).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});
