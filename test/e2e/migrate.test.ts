import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { fatalOf, runToEnd, startServe } from "./support/troupe-process.ts";

const run = (cwd: string, ...args: readonly string[]) => runToEnd({ cwd, args });

test("the schema is shown, taken, and then found to be up to date", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const dry = await run(cwd, "migrate", "--dry-run");
  expect(dry.code).toBe(0);
  expect(dry.stdout).toMatch(/^sqlite: the schema is at 0, wanted is \d+\npending 1: /);
  expect(dry.stdout).toContain("    CREATE TABLE sessions (\n");
  expect(existsSync(join(cwd, ".troupe"))).toBe(false);
  const taken = await run(cwd, "migrate");
  expect([taken.code, taken.stdout]).toEqual([
    0,
    expect.stringMatching(/took 1: .*\n(.*\n)*the schema is at \d+\n$/),
  ]);
  const again = await run(cwd, "migrate");
  expect(again.stdout).toMatch(/^sqlite: the schema is at (\d+) of \1, nothing to do\n$/);
  const json = JSON.parse((await run(cwd, "migrate", "--dry-run", "--json")).stdout) as object;
  expect(json).toMatchObject({ statestore: "sqlite", dry_run: true, steps: [] });
});

test("a start that may not migrate names the command, and serves after it", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  const env = { TROUPE_STATESTORE_MIGRATE: "check" };
  const refused = await runToEnd({ cwd, args: ["serve"], env });
  const { reason, hint = "" } = fatalOf(refused);
  expect([refused.code, reason, hint]).toEqual([
    78,
    "schema_old",
    expect.stringContaining("troupe migrate"),
  ]);
  expect((await runToEnd({ cwd, args: ["migrate"], env })).code).toBe(0);
  await using server = await startServe(cwd, { env });
  const held = await runToEnd({ cwd, args: ["migrate", "--json"], env });
  expect([held.code, server.running]).toEqual([0, true]);
});

test("a schema of a later binary is left alone", async () => {
  using folder = tempDir();
  const cwd = folder.path;
  expect((await run(cwd, "migrate")).code).toBe(0);
  const db = new Database(join(cwd, ".troupe", "troupe.db"));
  db.run("INSERT INTO troupe_schema VALUES (99, 'later', 'x', 0)");
  db.close();
  const ended = await run(cwd, "migrate", "--json");
  expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining("schema_newer")]);
});

test("a store without a schema says so", async () => {
  using folder = tempDir();
  const ended = await run(folder.path, "migrate", "--statestore", "memory");
  expect([ended.code, ended.stdout]).toEqual([
    0,
    "the statestore memory has no schema to migrate\n",
  ]);
});
