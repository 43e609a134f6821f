import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "../../src/contract/index.ts";
import { makePluginLoader } from "../../src/platform/plugin-loader.ts";
import { tempDir } from "../support/temp-dir.ts";
import { balancerSuite } from "./balancer.suite.ts";
import { pluginLifecycleSuite } from "./plugin-lifecycle.suite.ts";
import { recordingHost } from "./support/recording-host.ts";

// The page is followed to the letter: its first example is saved, compiled, loaded and tried.
const ROOT = join(import.meta.dir, "..", "..");
const page = join(ROOT, "docs", "WRITING-A-PLUGIN.md");
const text = readFileSync(page, "utf8");
const example = /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? "";

const folder = tempDir();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, "least-busy.ts");
writeFileSync(path, example);

const loaded = await makePluginLoader(10_000).load({ path, sha256: undefined });
if (loaded.kind === "failed") throw new Error(loaded.detail);
const plugin = loaded.exported as Plugin<"balancer@1", Record<string, never>>;

balancerSuite({ name: plugin.name, create: (host) => plugin.create({}, host) });
pluginLifecycleSuite({ plugin, config: {}, host: recordingHost });

test("the example type-checks outside of the repository", () => {
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      paths: { "troupe/plugin": [join(ROOT, "src", "sdk", "plugin.ts")] },
      typeRoots: [join(ROOT, "node_modules")],
    },
    include: [path],
  };
  writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const run = spawnSync(tsc, ["-p", folder.path], { cwd: folder.path, encoding: "utf8" });
  expect(run.stdout.split("\n").filter((line) => line.includes("least-busy.ts"))).toEqual([]);
});

test("every link of the page leads to something", () => {
  const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link ?? "");
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([]);
});
