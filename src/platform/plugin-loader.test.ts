import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../test/support/temp-dir.ts";
import { makePluginLoader } from "./plugin-loader.ts";

const folder = tempDir();
afterAll(() => folder[Symbol.dispose]());
const loader = makePluginLoader(10_000);

function write(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  return path;
}

const GOOD = "export default { name: 'good' as string };\n";
const load = (path: string, sha256?: string) => loader.load({ path, sha256 });

test("a TypeScript file gives its default export", async () => {
  const path = write("good.ts", GOOD);
  expect(await load(path)).toEqual({ kind: "loaded", path, exported: { name: "good" } });
});

test("a JavaScript file and its own relative imports load, through a link as well", async () => {
  write("part.js", "export const part = 7;\n");
  const path = write("whole.js", "import { part } from './part.js';\nexport default part;\n");
  const link = join(folder.path, "link.js");
  symlinkSync(path, link);
  expect(await load(link)).toEqual({ kind: "loaded", path, exported: 7 });
});

test("a pin must be the file's own", async () => {
  const path = write("pinned.ts", GOOD);
  const sha256 = createHash("sha256").update(GOOD).digest("hex");
  expect(await load(path, sha256)).toMatchObject({ kind: "loaded" });
  expect(await load(path, "0".repeat(64))).toMatchObject({ reason: "integrity_mismatch" });
});

test.each<[string, string, string, RegExp]>([
  ["an empty file", "", "no_default_export", /no default export/],
  ["a syntax error", "export default {\n  a: 1,\n  b: : 2\n}\n", "syntax", /syntax error at 3:6/],
  ["a throw", "throw new Error('boom');\n", "import_threw", /boom/],
  ["a package that is not there", "import 'nosuchpackage';\n", "import_threw", /nosuchpackage/],
  ["an end of the process", "process.exit(42);\n", "import_threw", /code 42/],
])("%s is refused by name", async (name, text, reason, detail) => {
  const path = write(`${name.replaceAll(" ", "-")}.ts`, text);
  const loaded = await load(path);
  expect(loaded).toMatchObject({ kind: "failed", reason });
  expect("detail" in loaded ? loaded.detail : "").toMatch(detail);
});

test("what is absent, and what is no file, is refused", async () => {
  expect(await load(join(folder.path, "absent.ts"))).toMatchObject({ reason: "not_found" });
  mkdirSync(join(folder.path, "directory.ts"));
  expect(await load(join(folder.path, "directory.ts"))).toMatchObject({ reason: "not_a_file" });
});

test.skipIf(process.platform === "win32")("what everyone may write is refused", async () => {
  const path = write("open.ts", GOOD);
  chmodSync(path, 0o666);
  expect(await load(path)).toMatchObject({ reason: "plugin_permissions" });
  const directory = join(folder.path, "open");
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const inside = join(directory, "inside.ts");
  writeFileSync(inside, GOOD);
  chmodSync(inside, 0o644);
  expect(await load(inside)).toMatchObject({ reason: "plugin_permissions" });
});

test("an import without end is given up, and the next plug-in loads", async () => {
  const path = write("endless.ts", "while (true) {}\n");
  const impatient = makePluginLoader(200);
  expect(await impatient.load({ path, sha256: undefined })).toMatchObject({
    reason: "import_timeout",
  });
  expect(await load(write("after.ts", GOOD))).toMatchObject({ kind: "loaded" });
});
