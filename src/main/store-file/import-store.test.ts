import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAll, texts } from "../../../test/conformance/support/portable-rows.ts";
import {
  actorId,
  claim,
  openSession,
  save,
} from "../../../test/conformance/support/statestore-fixture.ts";
import {
  edit,
  errorOf,
  exported,
  filled,
  movedRows,
  pageEnds,
  rowsOf,
  troupe,
} from "../../../test/support/moved-store.ts";
import { runInProcess } from "../../../test/support/run-program.ts";
import { fillSealed, keyFile, onSqlite, openSqlite } from "../../../test/support/sealed-store.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";

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
    if (code === 65) expect(errorOf(ended).message).toContain("record 0 at byte 0");
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
    expect([cut.code, errorOf(cut)]).toEqual([
      65,
      expect.objectContaining({
        message: expect.stringMatching(/record \d+ at byte \d+ is cut short/) as string,
        hint: expect.stringContaining("3 whole pages before it are in the statestore") as string,
      }),
    ]);
    const kinds = new Set((await rowsOf(folder.target)).map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["type", "meta", "actor"]));
    const anew = await troupe("import", folder.target, ["--from", folder.file, "--json"]);
    expect([anew.code, errorOf(anew).hint]).toEqual([73, "--resume goes on with it"]);
    const flipped = Uint8Array.from(whole);
    flipped[third + 30] = (flipped[third + 30] ?? 0) ^ 1;
    writeFileSync(broken, flipped);
    const damaged = await troupe("import", folder.target, ["--from", broken, "--resume", "--json"]);
    expect([damaged.code, errorOf(damaged).message]).toEqual([
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
    expect([again.code, errorOf(again)]).toMatchObject([
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
    expect([unknown.code, errorOf(unknown).message]).toEqual([
      78,
      expect.stringContaining("state key a"),
    ]);
    const own = await troupe("import", folder.target, [...merge, "--statestore-keys-file", other]);
    expect([own.code, errorOf(own).message]).toEqual([
      65,
      expect.stringContaining("another state key"),
    ]);
    expect((await rowsOf(folder.target)).filter(({ kind }) => kind === "actor")).toHaveLength(1);
  });

  test("is refused where nodes live", async () => {
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

  test("ends when a node comes, with whole pages behind it", async () => {
    using folder = await filled();
    await exported(folder);
    const node = await openSqlite(folder.target, "shared");
    const whole = readFileSync(folder.file);
    const [, second = 0] = await pageEnds(folder.file);
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield whole.subarray(0, second + 10);
      await openSession(node, "node-7");
      yield whole.subarray(second + 10);
    };
    try {
      const shared = ["--from", "-", "--statestore-mode", "shared"];
      const ended = await troupe("import", folder.target, shared, { input });
      const message = "the import was ended: node node-7 live";
      expect([ended.code, ended.err]).toEqual([75, expect.stringContaining(message)]);
      const kinds = new Set((await readAll(node.portability)).map(({ kind }) => kind));
      expect(kinds.has("history")).toBe(false);
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
