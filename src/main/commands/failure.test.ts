import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { startFailure } from "./failure.ts";

test.each(["file", "file/below"])("a data directory that cannot be made, %s, is no bug", (name) => {
  using folder = tempDir();
  writeFileSync(join(folder.path, "file"), "");
  const path = join(folder.path, name);
  let failure: unknown;
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    failure = error;
  }
  const { event, exit, key, reason, hint } = startFailure(failure);
  expect([event, exit, key, reason]).toEqual(["start", 73, path, "no_directory"]);
  expect(hint).toContain("--data-dir");
});

test("CFG-023: a port that this user may not open is a matter of permission", () => {
  const system = { code: "EACCES", syscall: "listen", address: "127.0.0.1", port: 80 };
  const failure = startFailure(Object.assign(new Error("listen EACCES"), system));
  expect(failure).toMatchObject({
    event: "listen",
    exit: 77,
    key: "127.0.0.1:80",
    reason: "permission",
  });
});
