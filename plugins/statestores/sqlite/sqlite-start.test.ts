import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Statestore, StatestoreHost } from "../../../src/contract/index.ts";
import {
  actorId,
  claim,
  openSession,
  rejectionOf,
  save,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { networkFileSystem } from "./network-file-system.ts";
import sqlite from "./plugin.ts";
import type { StoreMode } from "./store-lock.ts";

const signal = () => AbortSignal.timeout(10_000);

function make(dir: string, mode: StoreMode = "exclusive", changes: Partial<StatestoreHost> = {}) {
  return sqlite.create(
    { path: "", mode, cache: 4 * 1024 * 1024, migrate: "auto" },
    statestoreHost(dir, changes),
  );
}

async function start(
  dir: string,
  mode: StoreMode = "exclusive",
  changes: Partial<StatestoreHost> = {},
): Promise<Statestore> {
  const store = make(dir, mode, changes);
  await store.start(signal());
  return store;
}

/** Makes a store with one saved actor and stops it again. */
async function fill(dir: string): Promise<string> {
  const store = await start(dir);
  const session = await openSession(store);
  await save(store, await claim(store, session.id, actorId("a")), 0, "kept");
  await store.stop?.(signal());
  return join(dir, "troupe.db");
}

function edit(path: string, sql: string): void {
  const db = new Database(path);
  db.run(sql);
  db.close();
}

describe("a start is refused", () => {
  test.each([
    ["a newer schema", "INSERT INTO troupe_schema VALUES (12, 'x', 'y', 0)", "schema_newer", 78],
    ["no schema table", "DROP TABLE troupe_schema", "schema_unknown", 65],
    ["a missing index", "DROP INDEX outbox_due", "schema_mismatch", 65],
    ["a missing column", "ALTER TABLE actors DROP COLUMN state_type", "schema_mismatch", 65],
    ["a forged step", "UPDATE troupe_schema SET checksum = 'x'", "schema_mismatch", 65],
  ])("over %s, and nothing is written", async (_name, sql, reason, exitCode) => {
    using folder = tempDir();
    const path = await fill(folder.path);
    edit(path, sql);
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    const before = readFileSync(path);
    const error = await rejectionOf(start(folder.path));
    expect(error).toMatchObject({ name: "ServerError", details: { reason, exitCode } });
    expect(readFileSync(path).equals(before)).toBe(true);
    if (reason === "schema_newer") expect(String(error)).toContain("schema_newer have=2 found=12");
    if (sql.includes("outbox_due")) expect(String(error)).toContain("missing index outbox_due");
    if (sql.includes("state_type")) {
      expect(String(error)).toContain("missing column actors.state_type");
    }
  });

  test("over a damaged header, with a hint", async () => {
    using folder = tempDir();
    const path = await fill(folder.path);
    const damaged = readFileSync(path).fill(0x41, 0, 100);
    writeFileSync(path, damaged);
    const error = await rejectionOf(start(folder.path));
    const details = { reason: "SQLITE_NOTADB", exitCode: 74 };
    expect(error).toMatchObject({ code: "state.corrupt", details });
    expect((error as { details: { hint: string } }).details.hint).toContain("backup");
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  test("over a read-only file", async () => {
    using folder = tempDir();
    const path = await fill(folder.path);
    chmodSync(path, 0o444);
    const details = { reason: "store_readonly", exitCode: 74 };
    expect(await rejectionOf(start(folder.path))).toMatchObject({ details });
  });

  test("over the store of another cluster", async () => {
    using folder = tempDir();
    await fill(folder.path);
    const details = { reason: "cluster_mismatch", exitCode: 78 };
    const other = start(folder.path, "exclusive", { cluster: "other" });
    expect(await rejectionOf(other)).toMatchObject({ details });
  });

  test("where the folder cannot be made", async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "file"), "");
    const details = { reason: "store_path", exitCode: 73 };
    expect(await rejectionOf(start(join(folder.path, "file", "sub")))).toMatchObject({ details });
  });

  test.each([
    ["exclusive", "exclusive"],
    ["exclusive", "shared"],
    ["shared", "exclusive"],
  ] as const)("while a store in mode %s is open and this is %s", async (first, second) => {
    using folder = tempDir();
    const holder = await start(folder.path, first);
    const details = { reason: "store_locked", exitCode: 75 };
    expect(await rejectionOf(start(folder.path, second))).toMatchObject({ details });
    await holder.stop?.(signal());
    await (await start(folder.path, second)).stop?.(signal());
  });

  test("at its creation, if several processes share it and its mode is exclusive", () => {
    expect(() => make("", "exclusive", { shared: true })).toThrow("shared");
  });
});

test("a file system of another machine is known by its number", () => {
  expect(networkFileSystem(0x6969)).toBe("nfs");
  expect(networkFileSystem(0xff534d42 | 0)).toBe("cifs");
  expect(networkFileSystem(0xef53)).toBeUndefined();
});

test("what a process committed is there after kill -9, and its lock is gone", async () => {
  using folder = tempDir();
  const script = `
    import { claim, openSession, save, actorId } from ${JSON.stringify(
      join(import.meta.dir, "../../../test/conformance/support/statestore-fixture.ts"),
    )};
    import { statestoreHost } from ${JSON.stringify(
      join(import.meta.dir, "../../../test/conformance/support/statestore-host.ts"),
    )};
    import sqlite from ${JSON.stringify(join(import.meta.dir, "plugin.ts"))};
    const options = { path: "", mode: "exclusive", cache: 4194304, migrate: "auto" };
    const store = sqlite.create(options, statestoreHost(process.argv[1]));
    await store.start(AbortSignal.timeout(10000));
    const session = await openSession(store, "killed");
    await save(store, await claim(store, session.id, actorId("a")), 0, "kept");
    console.log("saved");
    setInterval(() => undefined, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script, folder.path], { stdout: "pipe" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value)).toContain("saved");
  const locked = { details: { reason: "store_locked", exitCode: 75 } };
  expect(await rejectionOf(start(folder.path))).toMatchObject(locked);
  child.kill("SIGKILL");
  await child.exited;
  const store = await start(folder.path);
  expect(new TextDecoder().decode((await store.read(actorId("a")))?.state?.data)).toBe("kept");
  const [session] = await store.sessions.list();
  expect(session).toMatchObject({ nodeName: "killed", state: "up" });
  await store.stop?.(signal());
});

test("processes that start together on nothing all find one schema", async () => {
  using folder = tempDir();
  const stores = await Promise.all(
    Array.from({ length: 4 }, () => start(folder.path, "shared", { shared: true })),
  );
  const sessions = await Promise.all(
    stores.map((store, index) => openSession(store, `node-${index}`)),
  );
  expect(new Set(sessions.map(({ id }) => id)).size).toBe(4);
  await Promise.all(stores.map((store) => store.stop?.(signal())));
});

const DENO = join(import.meta.dir, "../../../node_modules/.bin/deno");

test.skipIf(!existsSync(DENO))("the same store serves on Deno", async () => {
  using folder = tempDir();
  const script = join(folder.path, "deno.ts");
  const here = (path: string) => JSON.stringify(join(import.meta.dir, path));
  writeFileSync(
    script,
    `import sqlite from ${here("plugin.ts")};
    import { statestoreHost } from ${here("../../../test/conformance/support/statestore-host.ts")};
    import { selfTestStatestore } from ${here("../../../src/node/statestore-self-test.ts")};
    const options = { path: "", mode: "exclusive", cache: 4194304, migrate: "auto" };
    const store = sqlite.create(options, statestoreHost(${JSON.stringify(folder.path)}));
    await store.start(AbortSignal.timeout(10000));
    await selfTestStatestore(store);
    await store.stop(AbortSignal.timeout(10000));
    console.log("served");`,
  );
  const child = Bun.spawn([DENO, "run", "-A", "--no-check", script], {
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(child.stdout).text()).toBe("served\n");
  expect(await child.exited).toBe(0);
  const store = await start(folder.path);
  expect(await store.sessions.list()).toHaveLength(2);
  await store.stop?.(signal());
});

test("stopping without a start is harmless, and calls are refused before and after", async () => {
  using folder = tempDir();
  const store = make(folder.path);
  await store.stop(signal());
  const refusal = { code: "state.unavailable", outcome: "not_applied" };
  expect(await rejectionOf(store.read(actorId("a")))).toMatchObject(refusal);
  await store.start(signal());
  const claims = openSession(store).then((session) => claim(store, session.id, actorId("a")));
  await claims;
  const last = store.read(actorId("a"));
  await store.stop(signal());
  expect((await last)?.epoch).toBe(1);
  expect(await rejectionOf(store.read(actorId("a")))).toMatchObject(refusal);
  expect(await rejectionOf(store.commit({ sessionId: 1, commits: [] }))).toMatchObject(refusal);
  expect(existsSync(join(folder.path, "troupe.db-wal"))).toBe(false);
});

test("an aborted start ends the thread and lets the lock go", async () => {
  using folder = tempDir();
  const aborted = new AbortController();
  const starting = make(folder.path).start(aborted.signal);
  aborted.abort();
  expect(await rejectionOf(starting)).toMatchObject({ code: "state.unavailable" });
  await (await start(folder.path, "shared")).stop?.(signal());
});
