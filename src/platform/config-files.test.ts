import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../test/support/temp-dir.ts";
import { configFiles } from "./config-files.ts";

const folder = tempDir();
afterAll(() => folder[Symbol.dispose]());
const at = (name: string): string => join(folder.path, name);

writeFileSync(at("small"), "käse\n");
writeFileSync(at("large"), "x".repeat(101));
writeFileSync(at("latin"), Buffer.from([0x6b, 0xe4]));
mkdirSync(at("directory"));
symlinkSync(at("loop-b"), at("loop-a"));
symlinkSync(at("loop-a"), at("loop-b"));
symlinkSync(at("small"), at("link"));
spawnSync("mkfifo", [at("fifo")]);

test.each(["small", "link"])("%s is read as text", (name) => {
  expect(configFiles.read(at(name), 100)).toEqual({ kind: "text", text: "käse\n" });
});

test.each([
  ["absent", "not_found"],
  ["small/below", "not_found"],
  ["loop-a", "not_found"],
  ["directory", "not_a_file"],
  ["fifo", "not_a_file"],
  ["large", "too_large"],
  ["latin", "charset"],
] as const)("%s is refused: %s", (name, reason) => {
  expect(configFiles.read(at(name), 100)).toEqual({ kind: "failed", reason });
});

test("a device is no file", () => {
  expect(configFiles.read("/dev/null", 100)).toEqual({ kind: "failed", reason: "not_a_file" });
});
