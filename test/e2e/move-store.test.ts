import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { manyRows } from "../support/many-rows.ts";
import { movedRows } from "../support/moved-store.ts";
import { onSqlite } from "../support/sealed-store.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { type Ended, runToEnd, startDev, TroupeProcess } from "./support/troupe-process.ts";
import { BINARY } from "./support/troupe-process.ts";
import { runTool } from "./support/tools.ts";

const KEY = { TROUPE_STATESTORE_KEYS: `a:${Buffer.alloc(32, 1).toString("base64")}` };
const KEYS = ["a", "b/c", "ä 😀"];

function troupe(cwd: string, ...args: readonly string[]): Promise<Ended> {
  return runToEnd({ cwd, args, env: KEY });
}

/** Counters of a server that has ended: what each answered last. */
async function served(cwd: string, dataDir: string): Promise<Map<string, unknown>> {
  const args = ["--data-dir", dataDir];
  await using server = await startDev(cwd, undefined, { args, env: KEY });
  const values = new Map<string, unknown>();
  for (const [index, key] of KEYS.entries()) {
    const path = `counter/${encodeURIComponent(key)}`;
    const headers = { "idempotency-key": `id-${index}` };
    values.set(key, (await callJson(server.url, `${path}/add`, index + 1, headers)).value);
    values.set(`${key} state`, (await readJson(server.url, path)).value);
  }
  server.signal("SIGTERM");
  expect((await server.ended()).code).toBe(0);
  return values;
}

test("a store that was exported and imported answers as before, also to repeated request ids", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const before = await served(cwd, "first");
  const exported = await troupe(cwd, "export", "--to", "store.troupe", "--data-dir", "first");
  expect([exported.code, exported.stderr]).toEqual([0, ""]);
  expect(exported.stdout).toContain("wrote ");
  const imported = await troupe(cwd, "import", "--from", "store.troupe", "--data-dir", "second");
  expect([imported.code, imported.stderr]).toEqual([0, ""]);
  const check = await troupe(cwd, "store", "check", "--data-dir", "second");
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining("nothing is wrong")]);
  // Every id is given again: nothing is counted twice.
  expect(await served(cwd, "second")).toEqual(before);
});

test("through a pipe between two processes a store arrives whole", async () => {
  using folder = tempDir();
  const first = join(folder.path, "first");
  await fill(first, 2_000);
  const piped = `"$0" export --to - --data-dir first --cluster test --quiet |
    "$0" import --from - --data-dir second --cluster test --json`;
  const env = { PATH: process.env["PATH"], HOME: folder.path };
  const run = await runTool(["bash", "-o", "pipefail", "-c", piped, BINARY], {
    cwd: folder.path,
    env,
  });
  expect([run.code, run.stderr]).toEqual([0, ""]);
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: { actor: 2_000 }, ownerless: 0 });
  expect(await sameRows(first, join(folder.path, "second"))).toBe(true);
});

test("an export that was killed half-way goes on, and is the file it would have been", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const first = join(cwd, "first");
  await fill(first, 8_000);
  const args = ["export", "--to", "killed.troupe", "--data-dir", "first", "--cluster", "test"];
  const part = join(cwd, "killed.troupe.part");
  {
    await using child = new TroupeProcess({ cwd, args });
    await waitUntil(
      "some of it is written",
      () => existsSync(part) && statSync(part).size > 500_000,
    );
    await child.kill9();
  }
  expect(existsSync(join(cwd, "killed.troupe"))).toBe(false);
  const kept = readFileSync(part);
  const again = await runToEnd({ cwd, args });
  expect([again.code, again.stderr]).toEqual([73, expect.stringContaining("--resume")]);
  const resumed = await runToEnd({ cwd, args: [...args, "--resume", "--json"] });
  expect([resumed.code, existsSync(part)]).toEqual([0, false]);
  const summary = JSON.parse(resumed.stdout) as { readonly rows: object; readonly bytes: number };
  expect(summary.rows).toMatchObject({ actor: 8_000, history: 15_998 });
  // What was there was kept: less was written than the file has.
  const size = statSync(join(cwd, "killed.troupe")).size;
  expect(summary.bytes).toBeLessThan(size);
  expect(size).toBeGreaterThan(kept.length);
  const into = ["import", "--from", "killed.troupe", "--data-dir", "second", "--cluster", "test"];
  expect((await runToEnd({ cwd, args: into })).code).toBe(0);
  expect(await sameRows(first, join(cwd, "second"))).toBe(true);
});

test("an import that was killed half-way goes on where it was", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const first = join(cwd, "first");
  await fill(first, 8_000);
  const common = ["--cluster", "test"];
  const to = ["export", "--to", "store.troupe", "--data-dir", "first", "--quiet", ...common];
  expect((await runToEnd({ cwd, args: to })).code).toBe(0);
  const args = ["import", "--from", "store.troupe", "--data-dir", "second", ...common];
  {
    await using child = new TroupeProcess({ cwd, args });
    const log = join(cwd, "second", "troupe.db-wal");
    await waitUntil("pages are committed", () => existsSync(log) && statSync(log).size > 3_000_000);
    await child.kill9();
  }
  const refused = await runToEnd({ cwd, args });
  expect([refused.code, refused.stderr]).toEqual([73, expect.stringContaining("--resume")]);
  const resumed = await runToEnd({ cwd, args: [...args, "--resume", "--json"] });
  expect(resumed.code).toBe(0);
  const summary = JSON.parse(resumed.stdout) as { readonly pagesBefore: number };
  expect(summary.pagesBefore).toBeGreaterThan(0);
  expect(await sameRows(first, join(cwd, "second"))).toBe(true);
});

async function fill(dir: string, actors: number): Promise<void> {
  await onSqlite(dir, async ({ portability }) => {
    const rows = [...manyRows(actors)];
    for (let at = 0; at < rows.length; at += 5_000) {
      await portability.write(rows.slice(at, at + 5_000));
    }
  });
}

async function sameRows(first: string, second: string): Promise<boolean> {
  return Bun.deepEquals(await movedRows(first), await movedRows(second));
}
