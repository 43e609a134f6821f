import { expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { developmentKeys, openDataDir } from "./data-dir.ts";

test("name and key are made once, whole, and for their owner alone", () => {
  using folder = tempDir();
  const dir = join(folder.path, "data");
  const { nodeName } = openDataDir(dir, undefined);
  const key = developmentKeys(dir);
  expect(key).toMatch(/^dev:[A-Za-z0-9+/]{43}=$/);
  expect([openDataDir(dir, undefined).nodeName, developmentKeys(dir)]).toEqual([nodeName, key]);
  expect(readdirSync(dir).sort()).toEqual(["development.key", "node-name"]);
  expect(statSync(join(dir, "development.key")).mode & 0o777).toBe(0o600);
});

test("a key that others may read is refused", () => {
  using folder = tempDir();
  const path = join(folder.path, "development.key");
  writeFileSync(path, "dev:AA==");
  chmodSync(path, 0o640);
  expect(() => developmentKeys(folder.path)).toThrow("may be read by others");
});
