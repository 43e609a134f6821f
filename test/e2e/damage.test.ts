import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { fatalOf, runToEnd, startDev, startServe } from "./support/troupe-process.ts";

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString("base64");
const KEY = { TROUPE_STATESTORE_KEYS: `a:${keyOf(1)}` };
const SERVE = ["serve"];

/** A folder whose store holds three counters, at 7, 8 and 9, and has nobody who serves it. */
async function filled(): Promise<Disposable & { readonly path: string }> {
  const folder = tempDir();
  await using server = await startDev(folder.path, undefined, { env: KEY });
  for (const [key, n] of Object.entries({ good: 7, bad: 8, other: 9 })) {
    expect((await callJson(server.url, `counter/${key}/add`, n)).value).toBe(n);
  }
  expect((await callJson(server.url, "counter/bad/add", 0, { "idempotency-key": "r" })).value).toBe(
    8,
  );
  server.signal("SIGTERM");
  expect((await server.ended()).code).toBe(0);
  return folder;
}

const storeOf = ({ path }: { readonly path: string }): string => join(path, ".troupe", "troupe.db");

function edit(folder: { readonly path: string }, sql: string): void {
  const db = new Database(storeOf(folder));
  db.run(sql);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

const numberOf = (key: string): string => `(SELECT number FROM actors WHERE key = '${key}')`;

const flip = (at: string): string =>
  `unhex(substr(hex(state), 1, 2 * (${at})) || printf('%02x', 255 - instr('0123456789ABCDEF', substr(hex(state), 2 * (${at}) + 2, 1))) || substr(hex(state), 2 * (${at}) + 3))`;

test.each([
  [
    "DB-021: a flipped byte of the text",
    `UPDATE actors SET state = ${flip("30")} WHERE key = 'bad'`,
  ],
  [
    "a flipped byte of the tag",
    `UPDATE actors SET state = ${flip("length(state) - 1")} WHERE key = 'bad'`,
  ],
  [
    "DB-019: an unknown version of the envelope",
    "UPDATE actors SET state = unhex('FF' || substr(hex(state), 3)) WHERE key = 'bad'",
  ],
  ["DB-023: an empty state", "UPDATE actors SET state = x'' WHERE key = 'bad'"],
  ["a state of 28 bytes", "UPDATE actors SET state = substr(state, 1, 28) WHERE key = 'bad'"],
  [
    "DB-029: a state in the clear",
    "UPDATE actors SET state = unhex('00' || hex('{\"count\":99}')) WHERE key = 'bad'",
  ],
  [
    "a state pasted from another actor",
    "UPDATE actors SET state = (SELECT state FROM actors WHERE key = 'other') WHERE key = 'bad'",
  ],
  [
    "DB-027: a revision that was raised",
    "UPDATE actors SET revision = revision + 5 WHERE key = 'bad'",
  ],
  ["DB-035: a negative revision", "UPDATE actors SET revision = -1 WHERE key = 'bad'"],
  ["a seed that is gone", `DELETE FROM seeds WHERE actor = ${numberOf("bad")}`],
  [
    "a seed pasted from another actor",
    `UPDATE seeds SET wrapped = (SELECT wrapped FROM seeds WHERE actor = ${numberOf("other")})
      WHERE actor = ${numberOf("bad")}`,
  ],
  ["DB-033: another type of the state", "UPDATE actors SET state_type = 'x/y' WHERE key = 'bad'"],
])("%s is data loss for that actor alone, and stays as it is", async (_name, sql) => {
  using folder = await filled();
  edit(folder, sql);
  const row = "SELECT hex(state) AS state, revision, state_type FROM actors WHERE key = 'bad'";
  const db = new Database(storeOf(folder));
  const before = db.query(row).get();
  await using server = await startDev(folder.path, undefined, { env: KEY });
  for (const answer of [
    await readJson(server.url, "counter/bad"),
    await callJson(server.url, "counter/bad/add", 1),
    await callJson(server.url, "counter/bad/get"),
  ]) {
    expect([answer.status, (answer.value as { code?: string }).code]).toEqual([500, "data_loss"]);
  }
  expect((await callJson(server.url, "counter/good/add", 1)).value).toBe(8);
  expect((await callJson(server.url, "counter/other/add", 1)).value).toBe(10);
  await server.kill9();
  expect(db.query(row).get()).toEqual(before);
  db.close();
});

test("DB-025: a reply in the place of the state is data loss", async () => {
  using folder = await filled();
  const reply = "SELECT reply FROM dedup LIMIT 1";
  edit(folder, `UPDATE actors SET state = (${reply}) WHERE key = 'bad'`);
  await using server = await startDev(folder.path, undefined, { env: KEY });
  expect((await readJson(server.url, "counter/bad")).status).toBe(500);
});

test("a replayed reply that was changed is data loss, too", async () => {
  using folder = await filled();
  edit(
    folder,
    "UPDATE dedup SET reply = CAST(substr(reply, 1, length(reply) - 1) || x'00' AS BLOB)",
  );
  await using server = await startDev(folder.path, undefined, { env: KEY });
  const answer = await callJson(server.url, "counter/bad/add", 0, { "idempotency-key": "r" });
  expect([answer.status, (answer.value as { code?: string }).code]).toEqual([500, "data_loss"]);
});

test.each([
  ["another key under the same id", { TROUPE_STATESTORE_KEYS: `a:${keyOf(2)}` }, 65, "wrong_key"],
  ["no encryption", { TROUPE_ENCRYPTION: "off" }, 78, "state_key_missing"],
])("%s is refused before anything is served", async (_name, env, code, reason) => {
  using folder = await filled();
  const ended = await runToEnd({ cwd: folder.path, args: SERVE, env });
  expect([ended.code, fatalOf(ended).reason]).toEqual([code, reason]);
});

test("DB-017: a key that is missing for the rows is data loss, and keys are rotated", async () => {
  using folder = await filled();
  const lost = { TROUPE_STATESTORE_KEYS: `b:${keyOf(2)}` };
  {
    await using server = await startDev(folder.path, undefined, { env: lost });
    expect((await readJson(server.url, "counter/good")).status).toBe(500);
    expect((await callJson(server.url, "counter/fresh/add", 1)).value).toBe(1);
  }
  const both = { TROUPE_STATESTORE_KEYS: `b:${keyOf(2)},a:${keyOf(1)}` };
  await using server = await startDev(folder.path, undefined, { env: both });
  expect((await callJson(server.url, "counter/good/add", 1)).value).toBe(8);
  expect((await callJson(server.url, "counter/fresh/add", 1)).value).toBe(2);
});

test.each([
  [
    "DB-001: a newer schema",
    "INSERT INTO troupe_schema VALUES (12, 'x', 'y', 0)",
    78,
    "schema_newer",
  ],
  ["DB-003: tables without a schema", "DROP TABLE troupe_schema", 65, "schema_unknown"],
  ["DB-007: a missing index", "DROP INDEX outbox_due", 65, "schema_mismatch"],
])("%s ends the start, and nothing is written", async (_name, sql, code, reason) => {
  using folder = await filled();
  edit(folder, sql);
  const before = readFileSync(storeOf(folder));
  const ended = await runToEnd({ cwd: folder.path, args: SERVE, env: KEY });
  expect([ended.code, fatalOf(ended).reason]).toEqual([code, reason]);
  expect(readFileSync(storeOf(folder)).equals(before)).toBe(true);
});

test("DB-061: a damaged header ends the start with a hint", async () => {
  using folder = await filled();
  writeFileSync(storeOf(folder), readFileSync(storeOf(folder)).fill(0x41, 0, 100));
  const ended = await runToEnd({ cwd: folder.path, args: SERVE, env: KEY });
  expect([ended.code, fatalOf(ended).reason]).toEqual([74, "SQLITE_NOTADB"]);
  expect(ended.stderr).toContain("backup");
});

test("the store of another cluster is refused", async () => {
  using folder = await filled();
  const env = { ...KEY, TROUPE_CLUSTER: "other" };
  const ended = await runToEnd({ cwd: folder.path, args: SERVE, env });
  expect([ended.code, fatalOf(ended).reason]).toEqual([78, "cluster_mismatch"]);
});

test("a type that nobody serves any more is unavailable, not unknown", async () => {
  using folder = await filled();
  await using server = await startServe(folder.path, { env: KEY });
  expect((await callJson(server.url, "counter/good/add", 1)).status).toBe(503);
  expect((await callJson(server.url, "nobody/good/add", 1)).status).toBe(404);
  expect((await readJson(server.url, "counter/good")).value).toEqual({ count: 7 });
});
