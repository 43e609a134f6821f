import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  actorId,
  claim,
  dedupOf,
  json,
  openSession,
  rejectionOf,
  save,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { actorIdentity } from "../kit/identity.ts";
import { migrationChecksum } from "../kit/migration-plan.ts";
import { MIGRATIONS, SCHEMA_TABLE } from "./migrations.ts";
import type { MigrateMode } from "./open-store.ts";
import sqlite from "./plugin.ts";

const signal = () => AbortSignal.timeout(10_000);
const FAR_MS = 253_370_764_800_000;

function make(dir: string, migrate: MigrateMode = "auto", cluster = "test") {
  const options = { path: "", mode: "exclusive", cache: 4 * 1024 * 1024, migrate } as const;
  return sqlite.create(options, statestoreHost(dir, { cluster }));
}

/** A database as the binary of schema `version` has left it, filled while it was of version 1. */
function oldStore(dir: string, version: number): void {
  const db = new Database(join(dir, "troupe.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run(SCHEMA_TABLE);
  for (const step of MIGRATIONS.slice(0, version)) {
    for (const statement of step.statements) db.run(statement);
    const row = [step.version, step.name, migrationChecksum(step)];
    db.run("INSERT INTO troupe_schema VALUES (?, ?, ?, 1)", row);
    if (step.version === 1) fillFirst(db);
  }
  db.close();
}

/** A row in every table of version 1. */
function fillFirst(db: Database): void {
  const identity = actorIdentity(actorId("a"));
  const state = json("kept").data;
  const { digest, reply } = dedupOf("r", 3, "answer");
  db.run("INSERT INTO meta VALUES ('cluster', CAST('test' AS BLOB)), ('kept', x'0102')");
  db.run(
    'INSERT INTO types VALUES (\'default\', \'counter\', \'{"system":"default","type":"counter"}\')',
  );
  db.run("INSERT INTO sessions VALUES (4, 'old', 'boot', '', 'closed', 1)");
  db.run(
    `INSERT INTO actors (number, identity, system, type, key, owner, epoch, revision, updated_ms, tags,
                         recent, state_type, state)
     VALUES (1, ?, 'default', 'counter', 'a', 4, 5, 3, 1, '{}', '9,', 'application/json', ?)`,
    [identity, state],
  );
  db.run(`UPDATE actors SET tags = '{"colour":"red"}'`);
  db.run("INSERT INTO dedup VALUES (9, 1, 'r', ?, 3, 1, ?)", [digest, reply]);
  db.run(
    `INSERT INTO outbox VALUES (6, 1, '5.3.0', 3, 0, 'default', 'counter', 'b', 'add', 0, 1, 1, 2, NULL, ?)`,
    [state],
  );
  db.run("INSERT INTO schedules VALUES (7, 1, 's', ?, 0, '', 'tick', ?)", [FAR_MS, state]);
  db.run(
    "INSERT INTO history VALUES (8, 1, 3, 77, '{\"colour\":\"red\"}', 'add', 'application/json', ?)",
    [state],
  );
}

function digestOf(dir: string): string {
  return createHash("sha256")
    .update(readFileSync(join(dir, "troupe.db")))
    .digest("hex");
}

const VERSIONS = MIGRATIONS.map(({ version }) => version);

describe.each(VERSIONS)("a store of schema version %p", (version) => {
  test("keeps all its data through the steps that it lacks", async () => {
    using folder = tempDir();
    oldStore(folder.path, version);
    const { migrations } = make(folder.path);
    const pending = MIGRATIONS.slice(version);
    const status = { have: version, want: MIGRATIONS.length, pending };
    expect(await migrations.plan(signal())).toEqual(status);
    expect(await migrations.apply(signal())).toEqual(pending);
    const store = make(folder.path, "check");
    await store.start(signal());
    const actor = actorId("a");
    const position = { epoch: 5, revision: 3, state: json("kept"), tags: { colour: "red" } };
    expect(await store.read(actor)).toMatchObject(position);
    expect(await store.meta.get("kept")).toEqual(Uint8Array.of(1, 2));
    expect(await store.types.list()).toHaveLength(1);
    expect(await store.dedup(actor, "r")).toEqual(dedupOf("r", 3, "answer"));
    expect(await store.history.byRevision(actor, 3)).toMatchObject({
      committedMs: 77,
      action: "add",
    });
    expect(await store.schedules.list(actor)).toMatchObject([{ name: "s", dueMs: FAR_MS }]);
    const session = await openSession(store);
    expect(session.id).toBe(5);
    expect(await store.outbox.due(session.id, 9, 1)).toMatchObject([{ id: "5.3.0", attempts: 2 }]);
    const query = { system: "default", tags: { colour: "red" }, limit: 9 };
    expect(await store.search.list(query)).toHaveLength(1);
    const mine = await claim(store, session.id, actor);
    expect(mine).toMatchObject({ epoch: 6, requestIds: ["r"] });
    await save(store, mine, 3, "more");
    await store.stop(signal());
  });

  test("is looked at without a change", async () => {
    using folder = tempDir();
    oldStore(folder.path, version);
    const before = digestOf(folder.path);
    await make(folder.path).migrations.plan(signal());
    expect(digestOf(folder.path)).toBe(before);
  });
});

/** Takes one version off a store that is up to date, as a later binary would see it. */
function forgetLastStep(dir: string): void {
  const db = new Database(join(dir, "troupe.db"));
  db.run("DELETE FROM troupe_schema WHERE version = (SELECT max(version) FROM troupe_schema)");
  db.close();
}

describe("a start that may not migrate", () => {
  test("serves a store that is up to date, and writes nothing by being opened", async () => {
    using folder = tempDir();
    await make(folder.path).migrations.apply(signal());
    const before = digestOf(folder.path);
    const store = make(folder.path, "check");
    await store.start(signal());
    expect(await store.read(actorId("a"))).toBeUndefined();
    await store.stop(signal());
    expect(digestOf(folder.path)).toBe(before);
  });

  test("refuses pending steps, and names the command that takes them", async () => {
    using folder = tempDir();
    await make(folder.path).migrations.apply(signal());
    forgetLastStep(folder.path);
    const error = await rejectionOf(make(folder.path, "check").start(signal()));
    const hint = "take the pending steps with: troupe migrate";
    expect(error).toMatchObject({ details: { reason: "schema_old", exitCode: 78, hint } });
    const want = MIGRATIONS.length;
    expect(String(error)).toContain(`schema_old have=${want - 1} want=${want}`);
  });

  test("makes no file where there is none", async () => {
    using folder = tempDir();
    const dir = join(folder.path, "absent");
    const error = await rejectionOf(make(dir, "check").start(signal()));
    expect(error).toMatchObject({ details: { reason: "schema_old", exitCode: 78 } });
    expect((await make(dir).migrations.plan(signal())).have).toBe(0);
    expect([existsSync(dir), readdirSync(folder.path)]).toEqual([false, []]);
  });

  test("refuses the store of another cluster", async () => {
    using folder = tempDir();
    await make(folder.path).migrations.apply(signal());
    const error = await rejectionOf(make(folder.path, "check", "other").start(signal()));
    expect(error).toMatchObject({ details: { reason: "cluster_mismatch", exitCode: 78 } });
  });
});

describe("migrations refuse what a start refuses", () => {
  test.each([
    ["a newer schema", "INSERT INTO troupe_schema VALUES (99, 'x', 'y', 0)", "schema_newer"],
    ["a changed step", "UPDATE troupe_schema SET checksum = 'x'", "schema_mismatch"],
    ["tables of something else", "DROP TABLE troupe_schema", "schema_unknown"],
  ])("%s", async (_name, sql, reason) => {
    using folder = tempDir();
    oldStore(folder.path, MIGRATIONS.length);
    const db = new Database(join(folder.path, "troupe.db"));
    db.run(sql);
    db.close();
    const { migrations } = make(folder.path);
    expect(await rejectionOf(migrations.plan(signal()))).toMatchObject({ details: { reason } });
    expect(await rejectionOf(migrations.apply(signal()))).toMatchObject({ details: { reason } });
  });

  test("and a store that a node holds, whose name they tell", async () => {
    using folder = tempDir();
    const holder = make(folder.path);
    await holder.start(signal());
    await openSession(holder, "node-7");
    const error = await rejectionOf(make(folder.path).migrations.apply(signal()));
    expect(error).toMatchObject({ details: { reason: "store_locked", exitCode: 75 } });
    expect(String(error)).toContain("node node-7 has opened");
    await holder.stop(signal());
  });
});
