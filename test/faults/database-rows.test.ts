import { describe, expect, test } from "bun:test";
import { SQL } from "bun";
import { badInputRows, rowName } from "../e2e/support/bad-input-rows.ts";
import { callJson, readJson } from "../e2e/support/json-calls.ts";
import { outcomeOf } from "../e2e/support/ledger-load.ts";
import { fatalOf, runToEnd, startDev, type TroupeServer } from "../e2e/support/troupe-process.ts";
import { PrivateServer } from "../services/private-server.ts";
import { tempDir } from "../support/temp-dir.ts";
import { type Database, DATABASES, databaseKind, takesQueries } from "./databases.ts";

const rows = badInputRows();

/** A database server with a node's data in it, and what a test does to both. */
interface Scene extends AsyncDisposable {
  readonly url: string;
  edit(...statements: readonly string[]): Promise<void>;
  /** A node over the data; its environment may be changed. */
  start(env?: Readonly<Record<string, string>>): Promise<TroupeServer>;
  /** How a start ends that is refused. */
  refused(env?: Readonly<Record<string, string>>): Promise<readonly [number | null, string]>;
}

async function scene(database: Database): Promise<Scene> {
  const { kind } = databaseKind(database.name);
  const server = await PrivateServer.start(kind, takesQueries);
  const folder = tempDir();
  const settings = database.settings(server.url);
  return {
    url: server.url,
    async edit(...statements) {
      const sql = new SQL(server.url, { max: 1 });
      try {
        for (const statement of statements) await sql.unsafe(statement);
      } finally {
        await sql.close({ timeout: 0 });
      }
    },
    start: (env = {}) => startDev(folder.path, undefined, { env: { ...settings, ...env } }),
    async refused(env = {}) {
      const args = ["serve"];
      const ended = await runToEnd({ cwd: folder.path, args, env: { ...settings, ...env } });
      expect(ended.stderr).not.toContain("hunter2");
      return [ended.code, fatalOf(ended).reason];
    },
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Starts once, commits one increment and stops: afterwards the database is in use. */
async function filled(at: Scene): Promise<void> {
  await using node = await at.start();
  expect((await callJson(node.url, "counter/a/add", 1)).value).toBe(1);
  node.signal("SIGTERM");
  await node.ended();
}

/** What differs between the servers in the words of their SQL. */
interface Words {
  readonly unsafe: string;
  readonly dropIndex: string;
  readonly actors: string;
  /** Puts rows back to what they were when `before_loss` was made. */
  readonly lose: string;
}

const WORDS: Readonly<Record<string, Words>> = {
  PostgreSQL: {
    actors: "actors",
    lose: `UPDATE actors a SET revision = b.revision, state = b.state FROM before_loss b
            WHERE b.actor = a.actor AND a.actor_type = 'counter'`,
    unsafe: "ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()",
    dropIndex: "DROP INDEX actors_by_name",
  },
  MariaDB: {
    actors: "troupe_actors",
    lose: `UPDATE troupe_actors a JOIN before_loss b ON b.actor = a.actor
              SET a.revision = b.revision, a.state = b.state WHERE a.actor_type = 'counter'`,
    unsafe: "SET GLOBAL innodb_flush_log_at_trx_commit = 2",
    dropIndex: "DROP INDEX actors_by_name ON troupe_actors",
  },
};

describe("an address of a database that is wrong is refused before anything is sent", () => {
  test.each([
    ["CFG-037", "postgres://", 78, "url"],
    ["CFG-037", "postgres:///troupe", 78, "url"],
    ["CFG-039", "postgres://u:hunter2%zz@127.0.0.1/troupe", 78, "url"],
    ["CFG-039", "postgres://u:p@hunter2@127.0.0.1/troupe", 78, "url"],
    ["CFG-043", "postgres://u:hunter2@db.example.com/troupe?sslmode=disable", 78, "insecure_db"],
  ])("%s %s", async (_row, url, exit, reason) => {
    using folder = tempDir();
    const env = {
      TROUPE_STATESTORE: "postgres",
      TROUPE_STATESTORE_URL: url,
      TROUPE_STATESTORE_KEYS: `k:${Buffer.alloc(32, 1).toString("base64")}`,
    };
    const ended = await runToEnd({ cwd: folder.path, args: ["serve"], env });
    expect([ended.code, fatalOf(ended).reason]).toEqual([exit, reason]);
    expect(ended.stderr).not.toContain("hunter2");
  });
});

for (const database of DATABASES) {
  const { absent } = databaseKind(database.name);
  const { unsafe = "", dropIndex = "", actors = "", lose = "" } = WORDS[database.name] ?? {};

  describe.skipIf(absent)(`${database.name}: a start`, () => {
    test(`${rowName(rows, "DB-005")}; then what is wrong with the schema is said`, async () => {
      await using at = await scene(database);
      // DB-005: both find an empty database.
      const name = (node: string) => ({ TROUPE_NODE_NAME: node });
      const both = await Promise.all([at.start(name("one")), at.start(name("two"))]);
      for (const node of both) await node.kill9();
      await filled(at);
      // DB-007
      await at.edit(dropIndex);
      expect(await at.refused()).toEqual([65, "schema_mismatch"]);
      // DB-001
      await at.edit(
        "INSERT INTO troupe_schema (version, name, checksum, applied_ms) VALUES (99, 'x', 'y', 0)",
      );
      expect(await at.refused()).toEqual([78, "schema_newer"]);
      // DB-003
      await at.edit("DROP TABLE troupe_schema");
      expect(await at.refused()).toEqual([65, "schema_unknown"]);
    });

    test(`${rowName(rows, "DB-013")}; ${rowName(rows, "CFG-041")}`, async () => {
      await using at = await scene(database);
      await filled(at);
      expect(await at.refused({ TROUPE_STATESTORE_SSL: "on" })).toEqual([69, "db_tls"]);
      await at.edit(...unsafe.split("; "));
      expect(await at.refused()).toEqual([78, "unsafe_durability"]);
      await using node = await at.start({ TROUPE_ACCEPT_UNSAFE_DURABILITY: "true" });
      expect((await readJson(node.url, "counter/a")).value).toEqual({ count: 1 });
    });
  });

  describe.skipIf(absent)(`${database.name}: while a node serves`, () => {
    test(`${rowName(rows, "DB-063")}: what the database has lost is not gone on from`, async () => {
      await using at = await scene(database);
      await using node = await at.start();
      for (const value of [1, 2, 3]) {
        expect((await callJson(node.url, "counter/a/add", 1)).value).toBe(value);
        if (value === 1) await at.edit(`CREATE TABLE before_loss AS SELECT * FROM ${actors}`);
      }
      await at.edit(lose);
      // The turn that met it was not applied; whoever looks next learns why.
      const met = await callJson(node.url, "counter/a/add", 1);
      expect(outcomeOf(met.value)).not.toBeUndefined();
      const answer = await callJson(node.url, "counter/a/add", 1);
      expect(answer.status).toBe(500);
      expect(JSON.stringify(answer.value)).toContain("data_loss");
      expect(JSON.stringify(answer.value)).toContain("STORE_REGRESSED");
      // Others are well.
      expect((await callJson(node.url, "counter/b/add", 1)).value).toBe(1);
    });

    test(`${rowName(rows, "DB-053")}: a statement that outlasts its time`, async () => {
      await using at = await scene(database);
      await using node = await at.start({ TROUPE_LIMITS_QUERY_TIMEOUT: "500ms" });
      expect((await callJson(node.url, "counter/a/add", 1)).value).toBe(1);
      const holder = new SQL(at.url, { max: 1 });
      const locked = await holder.reserve();
      try {
        await locked.unsafe("BEGIN");
        await locked.unsafe(`SELECT 1 FROM ${actors} WHERE actor_type = 'counter' FOR UPDATE`);
        const headers = { "idempotency-key": "once" };
        const answer = await callJson(node.url, "counter/a/add", 1, headers);
        expect(answer.status).toBe(503);
        expect(["OUTCOME_UNKNOWN", "OUTCOME_NOT_APPLIED"]).toContain(outcomeOf(answer.value) ?? "");
      } finally {
        await locked.unsafe("ROLLBACK");
        await locked.release();
        await holder.close({ timeout: 0 });
      }
      // The same id again: whatever became of the first, there is one effect.
      const again = await callJson(node.url, "counter/a/add", 1, { "idempotency-key": "once" });
      expect(again.value).toBe(2);
      expect((await readJson(node.url, "counter/a")).value).toEqual({ count: 2 });
    });
  });
}
