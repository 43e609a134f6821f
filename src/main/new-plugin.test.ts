import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkLayers } from "../../test/architecture/layer-rules.ts";
import { resolveReference, sourceFile } from "../../test/architecture/source-file.ts";
import { checkPluginFolders } from "../../test/architecture/tree-rules.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { checkPlugin } from "../kernel/catalogue.ts";
import { makePluginLoader } from "../platform/plugin-loader.ts";
import {
  externalPluginFiles,
  pluginFiles,
  type PluginFiles,
} from "./new-plugin/plugin-templates.ts";

const ROOT = join(import.meta.dir, "..", "..");
const FAMILIES = [
  "statestores",
  "placement",
  "partition-tolerance",
  "discovery",
  "balancers",
  "acl",
  "authenticators",
  "activators",
];

function made(files: PluginFiles | string): PluginFiles {
  if (typeof files === "string") throw new Error(files);
  return files;
}

function write(root: string, files: PluginFiles): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

describe("a new plug-in", () => {
  test.each(FAMILIES)("of %s keeps the rules of plug-in folders", (family) => {
    const files = made(pluginFiles(family, "two-words"));
    const sources = Object.entries(files).map(([path, text]) => sourceFile(path, text));
    expect(checkPluginFolders(sources)).toEqual([]);
    expect(sources.flatMap(checkLayers)).toEqual([]);
    const needed = sources.flatMap(({ path, references }) =>
      references.flatMap(({ specifier }) => resolveReference(path, specifier) ?? []),
    );
    const missing = needed.filter((path) => !(path in files) && !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
    expect(JSON.stringify(files)).not.toMatch(/sample/i);
  });

  test("is found by the name of its contract, too", () => {
    expect(pluginFiles("balancer", "mine")).toEqual(pluginFiles("balancers", "mine"));
  });

  test("names its files and classes after itself", () => {
    const files = made(pluginFiles("acl", "two-words"));
    expect(Object.keys(files)).toEqual([
      "plugins/acl/two-words/plugin.ts",
      "plugins/acl/two-words/two-words-access-policy.ts",
      "plugins/acl/two-words/two-words.test.ts",
    ]);
    expect(JSON.stringify(files)).toContain("class TwoWordsAccessPolicy implements AccessPolicy");
  });

  test.each([
    ["queues", "fast", "there are: acl, activators"],
    ["toString", "fast", "there are: acl"],
    ["balancers", "Fast", "lower-case"],
    ["balancers", "../fast", "lower-case"],
    ["balancers", "f".repeat(64), "lower-case"],
  ])("is refused with a reason: %s %s", (family, name, reason) => {
    expect(pluginFiles(family, name)).toContain(reason);
    expect(externalPluginFiles(family, name)).toContain(reason);
  });
});

describe("the command", () => {
  const folder = tempDir();
  afterAll(() => folder[Symbol.dispose]());
  const run = (...parameters: readonly string[]) =>
    spawnSync(process.execPath, [join(import.meta.dir, "new-plugin.ts"), ...parameters], {
      encoding: "utf8",
    });

  test("writes one file outside of the repository, and never over another", () => {
    const first = run("balancers", "mine", "--out", folder.path);
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toContain("check-config --plugins");
    expect(existsSync(join(folder.path, "mine.ts"))).toBe(true);
    expect(run("balancers", "mine", "--out", folder.path).status).toBe(73);
  });

  test.each([[[]], [["balancers"]], [["queues", "mine"]], [["balancers", "mine", "--odd"]]])(
    "answers %p with usage",
    (parameters) => {
      expect(run(...parameters).status).toBe(64);
    },
  );
});

describe("as they are generated", () => {
  const folder = tempDir();
  afterAll(() => folder[Symbol.dispose]());
  for (const name of ["src", "test", "node_modules", "tsconfig.json", "package.json"]) {
    symlinkSync(join(ROOT, name), join(folder.path, name));
  }
  for (const family of FAMILIES) write(folder.path, made(pluginFiles(family, "fresh")));

  test("all plug-ins pass their suites", () => {
    const run = spawnSync(process.execPath, ["test", "./plugins"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    expect(`${run.status} ${run.stderr.match(/^\s*\d+ fail$/m)?.[0].trim()}`, run.stderr).toBe(
      "0 0 fail",
    );
  });

  test("all plug-ins type-check, those outside of the repository as well", () => {
    const outside = Object.fromEntries(
      FAMILIES.map((family) => [
        `outside/${family}.ts`,
        Object.values(made(externalPluginFiles(family, "fresh")))[0] ?? "",
      ]),
    );
    write(folder.path, outside);
    const config = {
      extends: "./tsconfig.json",
      compilerOptions: {
        preserveSymlinks: true,
        paths: { "troupe/plugin": ["./src/contract/index.ts"] },
      },
      include: ["plugins", "outside"],
    };
    write(folder.path, { "tsconfig.fresh.json": JSON.stringify(config) });
    const tsc = join(ROOT, "node_modules", ".bin", "tsc");
    const run = spawnSync(tsc, ["-p", "tsconfig.fresh.json"], {
      cwd: folder.path,
      encoding: "utf8",
    });
    const own = run.stdout.split("\n").filter((line) => /^(plugins|outside)\//.test(line));
    expect(own).toEqual([]);
  });

  test.each(FAMILIES)("an external plug-in of %s is loaded as it is", async (family) => {
    const files = made(externalPluginFiles(family, `out-${family}`));
    write(folder.path, files);
    const path = join(folder.path, `out-${family}.ts`);
    const loaded = await makePluginLoader(10_000).load({ path, sha256: undefined });
    const exported = loaded.kind === "loaded" ? loaded.exported : undefined;
    expect(checkPlugin(exported, path)).toMatchObject({ name: `out-${family}` });
  });
});
