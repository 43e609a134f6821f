import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import type { Statestore } from "../../../src/contract/index.ts";
import sqlite from "./plugin.ts";
import type { StoreMode } from "./store-lock.ts";

async function open(dir: string, mode: StoreMode): Promise<Statestore> {
  const options = { path: "", mode, cache: 4 * 1024 * 1024 };
  const store = sqlite.create(options, statestoreHost(dir, { shared: mode === "shared" }));
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

statestoreSuite({
  name: "sqlite",
  open: (dir) => open(dir, "exclusive"),
  durable: true,
  shared: false,
});
statestoreSuite({
  name: "sqlite shared",
  open: (dir) => open(dir, "shared"),
  durable: true,
  shared: true,
});
statestoreModelSuite({
  name: "sqlite",
  open: (dir) => open(dir, "exclusive"),
  durable: true,
  shared: false,
});
