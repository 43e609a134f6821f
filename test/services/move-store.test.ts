import { expect, test } from "bun:test";
import { join } from "node:path";
import type { PortableRow } from "../../src/contract/index.ts";
import { postgresBackend } from "../conformance/support/postgres-backend.ts";
import { texts } from "../conformance/support/portable-rows.ts";
import { manyRows } from "../support/many-rows.ts";
import { movedRows } from "../support/moved-store.ts";
import { mysqlDatabase, mysqlServers } from "../support/mysql-databases.ts";
import { runInProcess } from "../support/run-program.ts";
import { keyFile, onSqlite } from "../support/sealed-store.ts";
import { tempDir } from "../support/temp-dir.ts";

const ACTORS = 1_500;
const PAGE = 1_000;

/** A database server that a store can be moved to: the flags of a command, and what ends their use. */
interface Server {
  readonly name: string;
  open(folder: string): Promise<{ readonly flags: readonly string[] } & AsyncDisposable>;
}

function servers(): readonly Server[] {
  const found: Server[] = [];
  const postgres = postgresBackend();
  if (postgres !== undefined) {
    const open = async (folder: string) => {
      const schema = postgres.schemaOf(folder);
      const where = ["--statestore-url", postgres.url, "--statestore-schema", schema];
      const flags = ["--statestore", "postgres", ...where];
      return { flags, [Symbol.asyncDispose]: async () => undefined };
    };
    found.push({ name: "PostgreSQL", open });
  }
  for (const { name, url } of mysqlServers()) {
    if (url === undefined) continue;
    const open = async () => {
      const database = await mysqlDatabase(url);
      const place = Object.assign(new URL(url), { pathname: `/${database.name}` });
      const flags = ["--statestore", "mysql", "--statestore-url", String(place)];
      return { flags, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
    };
    found.push({ name, open });
  }
  return found;
}

/** Fills the embedded store of a folder; answers its rows as texts. */
async function fill(dir: string): Promise<string[]> {
  const rows = [...manyRows(ACTORS)];
  await onSqlite(dir, async ({ portability }) => {
    for (let at = 0; at < rows.length; at += PAGE) {
      await portability.write(rows.slice(at, at + PAGE) satisfies readonly PortableRow[]);
    }
  });
  return texts(rows);
}

for (const { name, open } of servers()) {
  test(`a store goes to ${name} and back and is the same, byte for byte`, async () => {
    using folder = tempDir();
    const [first, second] = [join(folder.path, "first"), join(folder.path, "second")];
    const before = await fill(first);
    await using database = await open(folder.path);
    const server = [...database.flags, "--statestore-keys-file", keyFile(folder.path)];
    const common = ["--cluster", "test", "--quiet"];
    const run = async (command: string, ...more: readonly string[]) => {
      const ended = await runInProcess([command, ...common, ...more]);
      expect([command, ended.code, ended.err]).toEqual([command, 0, ""]);
    };
    const [there, back] = [join(folder.path, "there"), join(folder.path, "back")];
    await run("export", "--to", there, "--data-dir", first);
    const pending = await runInProcess(["migrate", "--dry-run", "--cluster", "test", ...server]);
    expect([pending.code, pending.out]).toEqual([
      0,
      expect.stringMatching(/at 0, wanted is \d+\npending 1: /),
    ]);
    await run("import", "--from", there, ...server);
    const taken = await runInProcess(["migrate", "--cluster", "test", ...server]);
    expect([taken.code, taken.out]).toEqual([0, expect.stringContaining("nothing to do")]);
    await run("export", "--to", back, ...server);
    await run("import", "--from", back, "--data-dir", second);
    const after = await movedRows(second);
    expect(after.length).toBe(before.length);
    expect(Bun.deepEquals(after, before)).toBe(true);
    const check = ["store", "check", "--no-keys", "--json", "--cluster", "test", ...server];
    const checked = await runInProcess(check);
    expect([checked.code, checked.out.trim().split("\n").length]).toEqual([0, 1]);
  });
}

test("the rows that go there and back are of every kind", () => {
  const kinds = new Set([...manyRows(50)].map(({ kind }) => kind));
  const expected = ["type", "meta", "actor", "seed", "history", "dedup", "outbox", "schedule"];
  expect([...kinds].map(String)).toEqual(expected);
});
