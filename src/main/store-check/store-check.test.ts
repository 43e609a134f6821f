import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openSession } from "../../../test/conformance/support/statestore-fixture.ts";
import { runInProcess, type Written } from "../../../test/support/run-program.ts";
import { fillSealed, keyFile, onSqlite, openSqlite } from "../../../test/support/sealed-store.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { ActorLedger } from "./actor-ledger.ts";
import { FingerprintTable } from "./fingerprint-table.ts";
import type { StoreProblem } from "./store-problem.ts";

const NAMES = ["a", "bad", "c", "d"];
const BAD = "(SELECT number FROM actors WHERE key = 'bad')";

interface Folder extends Disposable {
  readonly path: string;
  readonly key: string;
}

async function filled(): Promise<Folder> {
  const folder = tempDir();
  const key = keyFile(folder.path);
  await onSqlite(folder.path, (store) => fillSealed(store, readFileSync(key, "utf8"), NAMES));
  return Object.assign(folder, { key });
}

function edit({ path }: Folder, ...statements: readonly string[]): void {
  const db = new Database(join(path, "troupe.db"));
  for (const sql of statements) db.run(sql);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

function check({ path, key }: Folder, ...more: readonly string[]): Promise<Written> {
  const where = ["--data-dir", path, "--cluster", "test", "--statestore-keys-file", key];
  return runInProcess(["store", "check", "--json", ...where, ...more]);
}

interface Summary {
  readonly rows: Readonly<Record<string, number>>;
  readonly keys: Readonly<Record<string, number>>;
  readonly problems: Readonly<Record<string, number>>;
}

/** The lines of `--json`: problems, then the summary. */
function parsed({ out }: Written): {
  readonly problems: StoreProblem[];
  readonly summary: Summary;
} {
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as StoreProblem & { readonly summary?: Summary });
  const summary = lines.pop()?.summary;
  if (summary === undefined) throw new Error(`no summary: ${out}`);
  return { problems: lines, summary };
}

function digestOf({ path }: Folder): string {
  return createHash("sha256")
    .update(readFileSync(join(path, "troupe.db")))
    .digest("hex");
}

describe("store check", () => {
  test("finds nothing wrong in a sound store, counts it, and changes no byte", async () => {
    using folder = await filled();
    const before = digestOf(folder);
    const ended = await check(folder);
    expect([ended.code, ended.err]).toEqual([0, ""]);
    const { problems, summary } = parsed(ended);
    expect(problems).toEqual([]);
    expect(summary.rows).toEqual({
      type: 1,
      meta: 2,
      actor: 4,
      seed: 2,
      history: 12,
      dedup: 12,
      outbox: 12,
      schedule: 4,
    });
    expect(summary.keys).toEqual({ a: 4 + 2 + 12 + 12 + 12 + 4 });
    expect(digestOf(folder)).toBe(before);
  });

  test.each<[string, string, string, Partial<StoreProblem>]>([
    [
      "an unreadable row",
      "unreadable",
      "UPDATE actors SET revision = -1 WHERE key = 'bad'",
      { kind: "actors", reason: "REV_INVALID" },
    ],
    [
      "a state that was changed",
      "sealed",
      "UPDATE actors SET state = unhex(hex(substr(state, 1, length(state) - 1)) || '00') WHERE key = 'bad'",
      { kind: "actor", reason: "STATE_UNREADABLE" },
    ],
    [
      "a past state in the place of another",
      "sealed",
      `UPDATE history SET state = (SELECT state FROM history WHERE actor = ${BAD} AND revision = 1) WHERE actor = ${BAD} AND revision = 2`,
      { kind: "history", where: "revision 2" },
    ],
    [
      "a schedule in the clear",
      "sealed",
      `UPDATE schedules SET body = x'00ff' WHERE actor = ${BAD}`,
      { kind: "schedule", reason: "PLAINTEXT_ROW" },
    ],
    [
      "a missing revision",
      "gap",
      `DELETE FROM history WHERE actor = ${BAD} AND revision = 2`,
      { where: "revision 2", kind: "history" },
    ],
    [
      "missing newest revisions",
      "gap",
      `DELETE FROM history WHERE actor = ${BAD} AND revision > 1`,
      { where: "revisions 2 to 3", kind: "actor" },
    ],
    [
      "a reply of the future",
      "ahead",
      `UPDATE dedup SET revision = 9, reply = x'' WHERE actor = ${BAD} AND request_id = 'r3'`,
      { kind: "dedup", reason: "ACTOR_AT_3" },
    ],
    [
      "a reply that is there twice",
      "duplicate",
      `INSERT INTO dedup (actor, request_id, digest, revision, committed_ms, reply) SELECT actor, request_id, digest, revision, committed_ms, reply FROM dedup WHERE actor = ${BAD} AND request_id = 'r1'`,
      { kind: "dedup", where: "request r1" },
    ],
  ])("tells of %s", async (_name, problem, sql, about) => {
    using folder = await filled();
    edit(folder, sql);
    const ended = await check(folder);
    const { problems, summary } = parsed(ended);
    expect(problems).toEqual([expect.objectContaining({ problem, ...about }) as StoreProblem]);
    expect([ended.code, summary.problems]).toEqual([65, { [problem]: 1 }]);
    if (problem !== "unreadable") expect(problems[0]?.actor?.key).toBe("bad");
  });

  test("tells of everything that belonged to an actor whose row is gone", async () => {
    using folder = await filled();
    edit(folder, "DELETE FROM actors WHERE key = 'bad'");
    const ended = await check(folder);
    const kinds = parsed(ended).problems.map(({ problem, kind }) => `${problem} ${kind}`);
    const expected = [
      "seed",
      "history",
      "history",
      "history",
      "dedup",
      "dedup",
      "dedup",
      "outbox",
      "outbox",
      "outbox",
      "schedule",
    ];
    expect(kinds).toEqual(expected.map((kind) => `orphan ${kind}`));
    expect(ended.code).toBe(65);
  });

  test("says nothing of histories that nobody asked to keep, or that were pruned", async () => {
    using folder = await filled();
    edit(folder, `DELETE FROM history WHERE actor = ${BAD} AND revision < 3`);
    expect((await check(folder)).code).toBe(0);
    edit(
      folder,
      "DELETE FROM history WHERE revision = 2",
      "UPDATE types SET spec = json_set(spec, '$.history.kind', 'none')",
    );
    expect((await check(folder)).code).toBe(0);
  });

  test("with another key nothing opens; without keys nothing is tried", async () => {
    using folder = await filled();
    const other = Object.assign(folder, { key: keyFile(folder.path, "b") });
    const ended = await check(other);
    const { problems, summary } = parsed(ended);
    expect(ended.code).toBe(65);
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(new Set(["KEY_UNKNOWN"]));
    expect(summary.keys).toEqual({ a: problems.length });
    expect((await check(other, "--no-keys")).code).toBe(0);
  });

  test("for people it is a list and tables, and a bar where they watch", async () => {
    using folder = await filled();
    edit(folder, `DELETE FROM history WHERE actor = ${BAD} AND revision = 2`);
    const where = [
      "--data-dir",
      folder.path,
      "--cluster",
      "test",
      "--statestore-keys-file",
      folder.key,
    ];
    const ended = await runInProcess(["store", "check", ...where], { interactive: true });
    expect(ended.out).toContain(
      "gap: history of default/counter/bad, revision 2 is missing in the history\n",
    );
    expect(ended.out).toMatch(/KIND +ROWS\n(.*\n)*actor +4\n/);
    expect(ended.out).toEndWith("PROBLEM  ROWS\ngap      1\n1 problem\n");
    expect(ended.err).toContain("checking [");
    const quiet = await runInProcess(["store", "check", "--quiet", ...where], {
      interactive: true,
    });
    expect([quiet.code, quiet.err, quiet.out.split("\n").length]).toEqual([65, "", 2]);
  });

  test("of a store that a node holds says who that is; beside nodes that share it it is done", async () => {
    using folder = await filled();
    const holder = await openSqlite(folder.path, "shared");
    try {
      await openSession(holder, "node-7");
      const refused = await check(folder);
      expect(refused.code).toBe(75);
      expect(refused.err).toContain("node node-7 has opened");
      const shared = await check(folder, "--statestore-mode", "shared");
      expect([shared.code, shared.err]).toEqual([0, "checked beside node-7\n"]);
    } finally {
      await holder.stop(AbortSignal.timeout(10_000));
    }
  });

  test("makes neither a store nor a key where there is none", async () => {
    using folder = tempDir();
    const absent = join(folder.path, "absent");
    const ended = await runInProcess(["store", "check", "--no-keys", "--data-dir", absent]);
    expect([ended.code, ended.err]).toEqual([78, expect.stringContaining("troupe migrate")]);
    const keyless = await runInProcess(["store", "check", "--data-dir", absent]);
    expect([keyless.code, keyless.err]).toEqual([78, expect.stringContaining("--no-keys")]);
    expect(existsSync(absent)).toBe(false);
  });
});

test("texts are numbered in the order of their coming, however many there are", () => {
  const table = new FingerprintTable();
  for (let index = 0; index < 5_000; index += 1) {
    expect(table.add(`text ${index}`)).toEqual({ ordinal: index, isNew: true });
  }
  expect(table.add("text 4321")).toEqual({ ordinal: 4_321, isNew: false });
  expect(table.ordinalOf("text 17")).toBe(17);
  expect(table.ordinalOf("another")).toBeUndefined();
});

test("a ledger knows where each of many actors stands", () => {
  const ledger = new ActorLedger();
  const actor = (index: number) => ({ system: "s", type: "t", key: String(index) });
  for (let index = 0; index < 3_000; index += 1) expect(ledger.add(actor(index), index)).toBe(true);
  expect(ledger.add(actor(7), 99)).toBe(false);
  expect(ledger.someLag()).toBe(false);
  expect(ledger.addPast(actor(2_500), 2_499)).toEqual({ revision: 2_500, past: 0 });
  expect(ledger.find(actor(2_500))).toEqual({ revision: 2_500, past: 2_499 });
  expect(ledger.someLag()).toBe(true);
  expect(ledger.addPast(actor(2_500), 2_500)).toEqual({ revision: 2_500, past: 2_499 });
  expect(ledger.someLag()).toBe(false);
  expect(ledger.addPast(actor(9_999), 1)).toBeUndefined();
});
