import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAll, texts } from "../../../test/conformance/support/portable-rows.ts";
import {
  actorId,
  claim,
  openSession,
  save,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { runInProcess, type ProgramRun, type Written } from "../../../test/support/run-program.ts";
import { fillSealed, keyFile, onSqlite, openSqlite } from "../../../test/support/sealed-store.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import type { PortableRow } from "../../contract/index.ts";
import { StoreFileReader } from "./store-file-reader.ts";

const NAMES = ["a", "b", "c", "d", "e"];

interface Folder extends Disposable {
  readonly path: string;
  /** File with the key of the source. */
  readonly key: string;
  readonly source: string;
  readonly target: string;
  readonly file: string;
}

/** A folder with a filled store. */
async function filled(names: readonly string[] = NAMES): Promise<Folder> {
  const folder = tempDir();
  const key = keyFile(folder.path);
  const at = (name: string): string => join(folder.path, name);
  const places = { key, source: at("source"), target: at("target"), file: at("out.troupe") };
  await onSqlite(places.source, (store) => fillSealed(store, readFileSync(key, "utf8"), names));
  return Object.assign(folder, places);
}

/** Runs a command on the store of a folder. */
function troupe(command: string, dir: string, more: readonly string[], run?: ProgramRun) {
  const where = ["--data-dir", dir, "--cluster", "test"];
  return runInProcess([command, ...where, ...more], run);
}

const rowsOf = (dir: string): Promise<PortableRow[]> =>
  onSqlite(dir, (store) => readAll(store.portability));

/** Rows without the note of an import. */
async function movedRows(dir: string): Promise<string[]> {
  const rows = await rowsOf(dir);
  return texts(rows.filter((row) => !(row.kind === "meta" && row.name === "import")));
}

function edit(dir: string, ...statements: readonly string[]): void {
  const db = new Database(join(dir, "troupe.db"));
  for (const sql of statements) db.run(sql);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

const error = ({ err }: Written): { readonly message: string; readonly hint: string } =>
  (JSON.parse(err.trimEnd().split("\n").at(-1) ?? "") as { error: never }).error;

async function exported(folder: Folder): Promise<void> {
  expect((await troupe("export", folder.source, ["--to", folder.file])).code).toBe(0);
}

/** Where the pages of a file end. */
async function pageEnds(path: string): Promise<number[]> {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield readFileSync(path);
  };
  const reader = new StoreFileReader(chunks());
  await reader.header();
  const ends: number[] = [];
  for await (const { offset } of reader.pages()) ends.push(offset);
  return ends;
}

describe("a store that is moved", () => {
  test("by a file is the same, tells what was moved, and can be served at once", async () => {
    using folder = await filled();
    const out = await troupe("export", folder.source, ["--to", folder.file, "--json"]);
    expect([out.code, out.err]).toEqual([0, ""]);
    const rows = {
      type: 1,
      meta: 2,
      actor: 5,
      seed: 3,
      history: 15,
      dedup: 15,
      outbox: 15,
      schedule: 5,
    };
    expect(JSON.parse(out.out)).toMatchObject({ rows, total: 61, damaged: 0, orphans: 0 });
    expect(statSync(folder.file).mode & 0o777).toBe(0o600);
    const into = await troupe("import", folder.target, ["--from", folder.file]);
    expect(into.code).toBe(0);
    expect(into.out).toMatch(
      /^KIND +WRITTEN +SKIPPED\n(.*\n)*history +15 +0\n(.*\n)*wrote 61 rows in /,
    );
    expect(await movedRows(folder.target)).toEqual(await movedRows(folder.source));
    await onSqlite(folder.target, async (store) => {
      const session = await openSession(store);
      expect(await claim(store, session.id, actorId("a"))).toMatchObject({ epoch: 2, revision: 3 });
    });
    const check = ["check", "--statestore-keys-file", folder.key];
    expect((await troupe("store", folder.target, check)).code).toBe(0);
  });

  test("by a pipe is the same; what is said goes to standard error", async () => {
    using folder = await filled();
    const out = await troupe("export", folder.source, ["--to", "-"], { interactive: true });
    expect(out.code).toBe(0);
    expect(out.err).toContain("wrote 61 rows");
    expect(out.err).toContain("exporting [");
    const input = out.bytes;
    const into = await troupe("import", folder.target, ["--from", "-", "--quiet"], { input });
    expect([into.code, into.out, into.err]).toEqual([0, "", ""]);
    expect(await movedRows(folder.target)).toEqual(await movedRows(folder.source));
    const closed = await troupe("export", folder.source, ["--to", "-"], { closedAfter: 2 });
    expect([closed.code, closed.err]).toEqual([74, expect.stringContaining("nobody reads")]);
  });

  test("is not opened: no key is there, and what is sealed stays sealed", async () => {
    using folder = await filled();
    await exported(folder);
    const text = readFileSync(folder.file, "latin1");
    expect(text.includes("secret of")).toBe(false);
    expect(text.includes('["default","counter","e"]')).toBe(true);
    const secret = readFileSync(folder.key, "utf8").split(":")[1] ?? "";
    expect(text.includes(secret)).toBe(false);
  });
});

describe("an export", () => {
  test("writes over nothing", async () => {
    using folder = await filled();
    await exported(folder);
    const again = await troupe("export", folder.source, ["--to", folder.file, "--json"]);
    expect([again.code, error(again).message]).toEqual([73, `${folder.file} exists already`]);
    const other = join(folder.path, "other");
    writeFileSync(`${other}.part`, "");
    const part = await troupe("export", folder.source, ["--to", other, "--json"]);
    expect([part.code, error(part).hint]).toEqual([73, expect.stringContaining("--resume")]);
    const nowhere = join(folder.path, "absent", "out");
    const absent = await troupe("export", folder.source, ["--to", nowhere]);
    expect([absent.code, absent.err]).toEqual([73, expect.stringContaining("folder")]);
  });

  test("that ended early anywhere goes on and ends with the same file", async () => {
    using folder = await filled();
    await exported(folder);
    const whole = readFileSync(folder.file);
    const ends = await pageEnds(folder.file);
    for (const length of [10, ...ends.flatMap((end) => [end, end + 5])]) {
      const other = join(folder.path, `out-${length}`);
      writeFileSync(`${other}.part`, whole.subarray(0, length));
      const resumed = await troupe("export", folder.source, ["--to", other, "--resume"]);
      expect(resumed.code).toBe(0);
      if (length > 100) expect(readFileSync(other).equals(whole)).toBe(true);
      expect(existsSync(`${other}.part`)).toBe(false);
    }
  });

  test("does not go on where a node has been since, or with another cluster's file", async () => {
    using folder = await filled();
    await exported(folder);
    const other = join(folder.path, "other");
    const [first = 0] = await pageEnds(folder.file);
    writeFileSync(`${other}.part`, readFileSync(folder.file).subarray(0, first));
    await onSqlite(folder.source, (store) => openSession(store, "since"));
    const resume = ["--to", other, "--resume", "--json"];
    const stale = await troupe("export", folder.source, resume);
    expect([stale.code, error(stale).hint]).toEqual([75, expect.stringContaining("begin anew")]);
    edit(folder.source, "UPDATE meta SET value = CAST('west' AS BLOB) WHERE name = 'cluster'");
    const where = ["--data-dir", folder.source, "--cluster", "west"];
    const foreign = await runInProcess(["export", ...where, ...resume]);
    expect([foreign.code, error(foreign).message]).toEqual([
      78,
      expect.stringContaining("cluster test"),
    ]);
    const none = ["--to", join(folder.path, "none"), "--resume"];
    expect((await runInProcess(["export", ...where, ...none])).code).toBe(64);
    expect((await runInProcess(["export", ...where, "--to", "-", "--resume"])).code).toBe(64);
  });

  test("leaves out what cannot be read and what belongs to nobody, names it, and ends with 65", async () => {
    using folder = await filled();
    edit(
      folder.source,
      "UPDATE actors SET epoch = -1 WHERE key = 'b'",
      "DELETE FROM actors WHERE key = 'c'",
    );
    const ended = await troupe("export", folder.source, ["--to", folder.file]);
    expect(ended.code).toBe(65);
    expect(ended.err).toContain("left out: actors, row 2 cannot be read (EPOCH_INVALID)\n");
    expect(ended.err).toContain("left out: a row of kind history belongs to no actor\n");
    expect(ended.err).toContain("left out: 1 unreadable rows, 11 rows of no actor");
    const into = await troupe("import", folder.target, ["--from", folder.file, "--json"]);
    // What belongs to the actor that could not be read has no owner in the new store.
    expect(into.code).toBe(65);
    expect(JSON.parse(into.out)).toMatchObject({ ownerless: 11, damaged: 1, rows: { actor: 3 } });
    expect((await troupe("store", folder.target, ["check", "--no-keys"])).code).toBe(0);
  });

  test("is refused beside nodes unless that is asked for", async () => {
    using folder = await filled();
    const node = await openSqlite(folder.source, "shared");
    try {
      await openSession(node, "node-7");
      const shared = ["--to", folder.file, "--statestore-mode", "shared"];
      const refused = await troupe("export", folder.source, shared);
      expect([refused.code, refused.err]).toEqual([
        75,
        expect.stringContaining("node node-7 live"),
      ]);
      expect(existsSync(`${folder.file}.part`)).toBe(false);
      const held = await troupe("export", folder.source, ["--to", folder.file]);
      expect([held.code, held.err]).toEqual([
        75,
        expect.stringContaining("node node-7 has opened"),
      ]);
      expect((await troupe("export", folder.source, [...shared, "--live"])).code).toBe(0);
    } finally {
      await node.stop(AbortSignal.timeout(10_000));
    }
    const into = await troupe("import", folder.target, ["--from", folder.file]);
    expect([into.code, into.err]).toEqual([0, expect.stringContaining("differ in time")]);
  });

  test("of a store that is not there, or that lives in a process, is refused", async () => {
    using folder = tempDir();
    const to = ["--to", join(folder.path, "out")];
    const absent = await troupe("export", join(folder.path, "absent"), to);
    expect([absent.code, existsSync(join(folder.path, "absent"))]).toEqual([78, false]);
    const memory = await troupe("export", folder.path, [...to, "--statestore", "memory"]);
    expect([memory.code, memory.err]).toEqual([78, expect.stringContaining("beyond its process")]);
  });
});

describe("an import", () => {
  test("of another cluster's file is refused before a store is made, and both are named", async () => {
    using folder = await filled();
    await exported(folder);
    const where = ["--data-dir", folder.target, "--cluster", "west", "--from", folder.file];
    const ended = await runInProcess(["import", ...where]);
    expect(ended.code).toBe(78);
    expect(ended.err).toContain("is of cluster test, and the statestore of cluster west");
    expect(existsSync(folder.target)).toBe(false);
  });

  test.each([
    ["a file that is absent", undefined, 64],
    ["no file of an export", "PRAGMA user_version", 65],
    ["an empty file", "", 65],
  ])("of %s is refused, and no store is made", async (_name, content, code) => {
    using folder = tempDir();
    const file = join(folder.path, "in");
    if (content !== undefined) writeFileSync(file, content);
    const target = join(folder.path, "target");
    const ended = await troupe("import", target, ["--from", file, "--json"]);
    expect([ended.code, existsSync(target)]).toEqual([code, false]);
    if (code === 65) expect(error(ended).message).toContain("record 0 at byte 0");
  });

  test("of a file that is cut short or damaged leaves whole pages, and goes on with an intact one", async () => {
    using folder = await filled();
    await exported(folder);
    const whole = readFileSync(folder.file);
    const ends = await pageEnds(folder.file);
    const broken = join(folder.path, "broken");
    const third = ends[2] ?? 0;
    writeFileSync(broken, whole.subarray(0, third + 20));
    const cut = await troupe("import", folder.target, ["--from", broken, "--json"]);
    expect([cut.code, error(cut)]).toEqual([
      65,
      expect.objectContaining({
        message: expect.stringMatching(/record \d+ at byte \d+ is cut short/) as string,
        hint: expect.stringContaining("3 whole pages before it are in the statestore") as string,
      }),
    ]);
    const kinds = new Set((await rowsOf(folder.target)).map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["type", "meta", "actor"]));
    const anew = await troupe("import", folder.target, ["--from", folder.file, "--json"]);
    expect([anew.code, error(anew).hint]).toEqual([73, "--resume goes on with it"]);
    const flipped = Uint8Array.from(whole);
    flipped[third + 30] = (flipped[third + 30] ?? 0) ^ 1;
    writeFileSync(broken, flipped);
    const damaged = await troupe("import", folder.target, ["--from", broken, "--resume", "--json"]);
    expect([damaged.code, error(damaged).message]).toEqual([
      65,
      expect.stringContaining("another checksum"),
    ]);
    const resumed = await troupe("import", folder.target, ["--from", folder.file, "--resume"]);
    expect([resumed.code, resumed.out]).toEqual([
      0,
      expect.stringContaining("3 pages were there from before"),
    ]);
    expect(await movedRows(folder.target)).toEqual(await movedRows(folder.source));
    const done = await troupe("import", folder.target, ["--from", folder.file, "--resume"]);
    expect([done.code, done.out]).toEqual([0, "the file is in the statestore already\n"]);
  });

  test("into a store with actors is refused; a fresh one that a node has used is empty", async () => {
    using folder = await filled();
    await exported(folder);
    const again = await troupe("import", folder.source, ["--from", folder.file, "--json"]);
    expect([again.code, error(again)]).toMatchObject([
      73,
      {
        message: expect.stringContaining("such as default/counter/a"),
        hint: expect.stringContaining("--merge"),
      },
    ]);
    await onSqlite(folder.target, async (store) => {
      const session = await openSession(store);
      await claim(store, session.id, actorId("1", "fence-test", "troupe-internal"));
      await store.sessions.close(session.id);
    });
    expect((await troupe("import", folder.target, ["--from", folder.file])).code).toBe(0);
  });

  test("by --merge replaces what is older, and nothing that is newer", async () => {
    using folder = await filled(["older", "newer", "same", "only here"]);
    await exported(folder);
    await troupe("import", folder.target, ["--from", folder.file]);
    await onSqlite(folder.target, async (store) => {
      const session = await openSession(store);
      await save(store, await claim(store, session.id, actorId("newer")), 3, "from the target");
      await save(
        store,
        await claim(store, session.id, actorId("only there")),
        0,
        "from the target",
      );
    });
    edit(
      folder.target,
      "UPDATE actors SET revision = 1 WHERE key = 'older'",
      `INSERT INTO schedules (actor, name, due_ms, held_until_ms, repeat, action, body)
       SELECT number, 'left behind', 1, 0, '', 'tick', x'00' FROM actors WHERE key = 'older'`,
      `UPDATE dedup SET reply = x'' WHERE actor = (SELECT number FROM actors WHERE key = 'newer')`,
      "DELETE FROM actors WHERE key = 'only here'",
    );
    const merge = [
      "--from",
      folder.file,
      "--merge",
      "--json",
      "--statestore-keys-file",
      folder.key,
    ];
    const ended = await troupe("import", folder.target, merge);
    expect(ended.code).toBe(0);
    // The newer actor's row and the ten that belong to it; the type and both named values are kept.
    expect(JSON.parse(ended.out)).toMatchObject({
      skipped: { type: 1, meta: 2, actor: 1, history: 3, dedup: 3, outbox: 3, schedule: 1 },
      rows: { actor: 3 },
    });
    const source = new Map<string, string>();
    for (const row of await rowsOf(folder.source)) {
      if (row.kind === "actor") source.set(row.actor.key, texts([row]).join());
    }
    await onSqlite(folder.target, async (store) => {
      const text = async (key: string) =>
        new TextDecoder().decode((await store.read(actorId(key)))?.state?.data);
      expect(await text("newer")).toBe("from the target");
      expect(await text("only there")).toBe("from the target");
      expect((await store.read(actorId("older")))?.revision).toBe(3);
      const names = (await store.schedules.list(actorId("older"))).map(({ name }) => name);
      expect(names).toEqual(["s"]);
      expect((await store.dedup(actorId("newer"), "r1"))?.reply).toEqual(new Uint8Array(0));
      const rows = await readAll(store.portability);
      for (const key of ["older", "same", "only here"]) {
        const row = rows.find((each) => each.kind === "actor" && each.actor.key === key);
        expect(row && texts([row]).join()).toBe(source.get(key) ?? "none");
      }
    });
  });

  test("of rows under another key of the same id is refused", async () => {
    using folder = await filled();
    await exported(folder);
    const other = keyFile(folder.path);
    await onSqlite(folder.target, (store) => fillSealed(store, readFileSync(other, "utf8"), ["x"]));
    const merge = ["--from", folder.file, "--merge", "--json"];
    const unknown = await troupe("import", folder.target, merge);
    expect([unknown.code, error(unknown).message]).toEqual([
      78,
      expect.stringContaining("state key a"),
    ]);
    const own = await troupe("import", folder.target, [...merge, "--statestore-keys-file", other]);
    expect([own.code, error(own).message]).toEqual([
      65,
      expect.stringContaining("another state key"),
    ]);
    expect((await rowsOf(folder.target)).filter(({ kind }) => kind === "actor")).toHaveLength(1);
  });

  test("is refused where nodes live, and ends when one comes", async () => {
    using folder = await filled();
    await exported(folder);
    const node = await openSqlite(folder.target, "shared");
    try {
      await openSession(node, "node-7");
      const shared = ["--from", folder.file, "--statestore-mode", "shared"];
      const ended = await troupe("import", folder.target, shared);
      expect([ended.code, ended.err]).toEqual([75, expect.stringContaining("node node-7 live")]);
    } finally {
      await node.stop(AbortSignal.timeout(10_000));
    }
  });

  test("takes nothing from a file that was truncated to its first page", async () => {
    using folder = await filled();
    await exported(folder);
    truncateSync(folder.file, 150);
    const ended = await troupe("import", folder.target, ["--from", folder.file]);
    expect([ended.code, existsSync(folder.target)]).toEqual([65, false]);
  });
});
