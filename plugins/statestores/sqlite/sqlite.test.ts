import { expect, test } from "bun:test";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import type { Statestore } from "../../../src/contract/index.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import sqlite from "./plugin.ts";
import type { StoreMode } from "./store-lock.ts";

function make(dir: string, mode: StoreMode) {
  const options = { path: "", mode, cache: 4 * 1024 * 1024, migrate: "auto" } as const;
  return sqlite.create(options, statestoreHost(dir, { shared: mode === "shared" }));
}

async function open(dir: string, mode: StoreMode): Promise<Statestore> {
  const store = make(dir, mode);
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

for (const mode of ["exclusive", "shared"] as const) {
  statestoreSuite({
    name: mode === "exclusive" ? "sqlite" : "sqlite shared",
    open: (dir) => open(dir, mode),
    make: (dir) => make(dir, mode),
    durable: true,
    shared: mode === "shared",
  });
}
statestoreModelSuite({
  name: "sqlite",
  open: (dir) => open(dir, "exclusive"),
  durable: true,
  shared: false,
});

test("SQLite says what it is", async () => {
  using folder = tempDir();
  const store = await open(folder.path, "exclusive");
  const text = await store.describe();
  await store.stop?.(AbortSignal.timeout(10_000));
  process.stdout.write(`ran on: ${text}\n`);
  expect(text).toContain("SQLite");
});
