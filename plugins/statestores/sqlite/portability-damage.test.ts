import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Portability, PortableRow, Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  claim,
  commit,
  dedupOf,
  json,
  messageTo,
  openSession,
  scheduleOf,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import sqlite from "./plugin.ts";

const PAGE_BYTES = 4096;
const OPTIONS = { path: "", mode: "exclusive", cache: 4 * 1024 * 1024, migrate: "auto" } as const;
const KEYS = ["a", "bad", "c"];

type Moving = Statestore & { readonly portability: Portability };

async function start(dir: string): Promise<Moving> {
  const store = sqlite.create(OPTIONS, statestoreHost(dir));
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

async function stop(store: Statestore): Promise<void> {
  await store.stop?.(AbortSignal.timeout(10_000));
}

/** A stopped store with three actors that each have one row of every kind. */
async function filled(dir: string, text = "kept"): Promise<void> {
  const store = await start(dir);
  const session = await openSession(store);
  for (const key of KEYS) {
    const mine = await claim(store, session.id, actorId(key));
    const change = set(text, { colour: "red" });
    const entry = { revision: 1, state: json(text), tags: {}, action: "add" };
    await commit(
      store,
      session.id,
      turn(mine, 0, {
        change,
        dedup: [dedupOf("r", 1)],
        outbox: [messageTo(actorId("target"), 1, 0)],
        schedules: [scheduleOf("s", 1)],
        history: [entry],
        historyPolicy: { kind: "all" },
      }),
    );
  }
  await stop(store);
}

function edit(dir: string, ...statements: readonly string[]): void {
  const db = new Database(join(dir, "troupe.db"));
  for (const sql of statements) db.run(sql);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

async function readAll({ portability }: Moving, limit: number): Promise<PortableRow[]> {
  const rows: PortableRow[] = [];
  for (let position: string | undefined = ""; position !== undefined; ) {
    const page: Awaited<ReturnType<Portability["read"]>> = await portability.read(position, limit);
    rows.push(...page.rows);
    position = page.next;
  }
  return rows;
}

/** The damaged rows of a walk, and the keys whose actors came whole. */
async function walk(dir: string, limit = 100) {
  const store = await start(dir);
  try {
    const rows = await readAll(store, limit);
    const damaged = rows
      .filter((row) => row.kind === "damaged")
      .map(({ table, place, reason }) => [table, place, reason]);
    const whole = rows.flatMap((row) => (row.kind === "actor" ? [row.actor.key] : []));
    return { damaged, whole, rows };
  } finally {
    await stop(store);
  }
}

const BAD = "(SELECT number FROM actors WHERE key = 'bad')";

describe("a walk tells of a damaged row and goes on", () => {
  test.each([
    ["actors", "UPDATE actors SET revision = -1 WHERE key = 'bad'", "REV_INVALID"],
    [
      "actors",
      "UPDATE actors SET epoch = 9223372036854775807 WHERE key = 'bad'",
      "EPOCH_EXHAUSTED",
    ],
    ["actors", "UPDATE actors SET state_type = NULL WHERE key = 'bad'", "STATE_UNREADABLE"],
    ["actors", "UPDATE actors SET recent = 'x' WHERE key = 'bad'", "DEDUP_UNREADABLE"],
    ["history", `UPDATE history SET tags = '[]' WHERE actor = ${BAD}`, "TAGS_UNREADABLE"],
    ["history", `UPDATE history SET state = NULL WHERE actor = ${BAD}`, "STATE_UNREADABLE"],
    ["history", `UPDATE history SET revision = -1 WHERE actor = ${BAD}`, "REV_INVALID"],
    [
      "dedup",
      `UPDATE dedup SET revision = 9223372036854775807 WHERE actor = ${BAD}`,
      "REV_INVALID",
    ],
    ["outbox", `UPDATE outbox SET position = -1 WHERE actor = ${BAD}`, "REV_INVALID"],
  ])("of %s after %s", async (table, sql, reason) => {
    using folder = tempDir();
    await filled(folder.path);
    edit(folder.path, sql);
    const { damaged, rows } = await walk(folder.path);
    expect(damaged).toEqual([[table, expect.stringMatching(/^row \d+$/), reason]]);
    expect(rows.filter((row) => row.kind === "schedule")).toHaveLength(3);
  });

  test("whose names are another actor's, with all that belongs to it", async () => {
    using folder = tempDir();
    await filled(folder.path);
    edit(folder.path, "UPDATE actors SET key = 'other' WHERE key = 'bad'");
    const { damaged, whole } = await walk(folder.path);
    expect(whole).toEqual(["a", "c"]);
    expect(damaged.map(([table, , reason]) => [table, reason])).toEqual(
      ["actors", "history", "dedup", "outbox", "schedules"].map((name) => [name, "ROW_MISMATCH"]),
    );
  });

  test("of types and of named values", async () => {
    using folder = tempDir();
    await filled(folder.path);
    edit(
      folder.path,
      "INSERT INTO types VALUES ('default', 'a', '{'), ('default', 'b', '{\"system\":\"x\"}')",
    );
    const { damaged, whole } = await walk(folder.path);
    expect(damaged).toEqual([
      ["types", "default/a", "SPEC_UNREADABLE"],
      ["types", "default/b", "ROW_MISMATCH"],
    ]);
    expect(whole).toEqual(KEYS);
  });
});

test("rows whose actor is gone have no owner", async () => {
  using folder = tempDir();
  await filled(folder.path);
  edit(folder.path, "DELETE FROM actors WHERE key = 'bad'");
  const { damaged, rows } = await walk(folder.path);
  expect(damaged).toEqual([]);
  const orphans = rows.filter((row) => "owner" in row && row.owner === undefined);
  expect(orphans.map(({ kind }) => kind)).toEqual(["history", "dedup", "outbox", "schedule"]);
});

describe("a broken page hides no other row", () => {
  test.each([1, 100])("of the state of one actor, by pages of %p rows", async (limit) => {
    using folder = tempDir();
    await filled(folder.path, "#".repeat(40_000));
    const path = join(folder.path, "troupe.db");
    const file = readFileSync(path);
    // The first page that holds nothing but a state begins with the number of the page behind it.
    let page = 0;
    while (!/^#+$/.test(file.toString("latin1", page + 4, page + PAGE_BYTES))) page += PAGE_BYTES;
    writeFileSync(path, file.fill(0xff, page, page + 4));
    const { damaged, whole, rows } = await walk(folder.path, limit);
    expect(damaged).toEqual([["actors", "row 1", "ROW_CORRUPT"]]);
    expect(whole).toEqual(["bad", "c"]);
    expect(rows.filter((row) => row.kind === "history")).toHaveLength(3);
  });

  test.each([7, 1_000])("of many rows, by pages of %p rows", async (limit) => {
    using folder = tempDir();
    const store = await start(folder.path);
    const count = 2_000;
    const actors = Array.from({ length: count }, (_, index): PortableRow => {
      const actor = actorId(String(index).padStart(8, "0"));
      return {
        kind: "actor",
        actor,
        epoch: 1,
        revision: 1,
        state: json("x"),
        tags: {},
        updatedMs: 1,
      };
    });
    const replies = actors.map((row): PortableRow => {
      const owner = row.kind === "actor" ? row.actor : undefined;
      return { kind: "dedup", owner, record: dedupOf("r", 1), committedMs: 1 };
    });
    await store.portability.write(actors);
    await store.portability.write(replies);
    await stop(store);
    const path = join(folder.path, "troupe.db");
    const db = new Database(path, { readonly: true });
    const [found] = db
      .query(
        "SELECT pageno FROM dbstat WHERE name = 'dedup' AND pagetype = 'leaf' LIMIT 1 OFFSET 3",
      )
      .values();
    db.close();
    const at = (Number(found?.[0]) - 1) * PAGE_BYTES;
    writeFileSync(path, readFileSync(path).fill(0xff, at, at + PAGE_BYTES));
    const { damaged, whole, rows } = await walk(folder.path, limit);
    expect(whole).toHaveLength(count);
    expect(damaged).toHaveLength(1);
    const [, place = "", reason] = damaged[0] ?? [];
    expect(reason).toBe("PAGE_CORRUPT");
    const [from = 0, to = 0] = (place.match(/\d+/g) ?? []).map(Number);
    expect(rows.filter((row) => row.kind === "dedup")).toHaveLength(count - (to - from + 1));
    expect(to - from).toBeLessThan(300);
  });
});
