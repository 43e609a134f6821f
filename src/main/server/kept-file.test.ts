import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { KeptFile } from "./kept-file.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("nothing is kept before the first save, and then what was saved last", async () => {
  using folder = tempDir();
  const path = join(folder.path, "plugins", "quorum");
  const file = new KeptFile(path);
  expect(await file.load()).toBeUndefined();
  expect(existsSync(join(folder.path, "plugins"))).toBe(false);
  await file.save(bytes("one"));
  await file.save(bytes("two"));
  expect(await new KeptFile(path).load()).toEqual(bytes("two"));
  expect(readdirSync(join(folder.path, "plugins"))).toEqual(["quorum"]);
  expect(statSync(path).mode & 0o077).toBe(0);
});

test("saves that overlap are carried out in the order asked", async () => {
  using folder = tempDir();
  const file = new KeptFile(join(folder.path, "quorum"));
  const reused = bytes("0");
  const saves = Array.from({ length: 20 }, (_, nth) => {
    reused[0] = nth;
    return file.save(reused);
  });
  await Promise.all(saves);
  expect(await file.load()).toEqual(Uint8Array.of(19));
});

test("too much is refused, and what was there stays", async () => {
  using folder = tempDir();
  const file = new KeptFile(join(folder.path, "quorum"));
  await file.save(bytes("small"));
  await expect(file.save(new Uint8Array(65_537))).rejects.toMatchObject({
    code: "state.too_large",
  });
  await file.save(new Uint8Array(65_536));
  expect((await file.load())?.length).toBe(65_536);
});

test("what cannot be read or written is an error and no absence; a later save may succeed", async () => {
  using folder = tempDir();
  const path = join(folder.path, "quorum");
  mkdirSync(path);
  const file = new KeptFile(path);
  await expect(file.load()).rejects.toMatchObject({ code: "state.unavailable" });
  await expect(file.save(bytes("x"))).rejects.toMatchObject({
    code: "state.unavailable",
    outcome: "not_applied",
  });
  const beside = new KeptFile(join(folder.path, "other"));
  writeFileSync(join(folder.path, "other.next"), "left over");
  await beside.save(bytes("fresh"));
  expect(await beside.load()).toEqual(bytes("fresh"));
});
