import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  actorId,
  claim,
  openSession,
} from "../../../test/conformance/support/statestore-fixture.ts";
import {
  edit,
  errorOf,
  exported,
  filled,
  movedRows,
  pageEnds,
  troupe,
} from "../../../test/support/moved-store.ts";
import { runInProcess } from "../../../test/support/run-program.ts";
import { fillSealed, onSqlite, openSqlite } from "../../../test/support/sealed-store.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";

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
    expect([again.code, errorOf(again).message]).toEqual([73, `${folder.file} exists already`]);
    const other = join(folder.path, "other");
    writeFileSync(`${other}.part`, "");
    const part = await troupe("export", folder.source, ["--to", other, "--json"]);
    expect([part.code, errorOf(part).hint]).toEqual([73, expect.stringContaining("--resume")]);
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
    expect([stale.code, errorOf(stale).hint]).toEqual([75, expect.stringContaining("begin anew")]);
    edit(folder.source, "UPDATE meta SET value = CAST('west' AS BLOB) WHERE name = 'cluster'");
    const where = ["--data-dir", folder.source, "--cluster", "west"];
    const foreign = await runInProcess(["export", ...where, ...resume]);
    expect([foreign.code, errorOf(foreign).message]).toEqual([
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

  test("beside which a node comes is not finished", async () => {
    using folder = await filled();
    const node = await openSqlite(folder.source, "shared");
    let came = false;
    const flushed = async (): Promise<void> => {
      if (!came) await openSession(node, "node-7");
      came = true;
    };
    try {
      const shared = ["--to", "-", "--statestore-mode", "shared"];
      const ended = await troupe("export", folder.source, shared, { flushed });
      expect([ended.code, ended.err]).toEqual([75, expect.stringContaining("a node came")]);
      const input = ended.bytes;
      const into = await troupe("import", folder.target, ["--from", "-"], { input });
      expect([into.code, into.err]).toEqual([65, expect.stringContaining("the file ends early")]);
    } finally {
      await node.stop(AbortSignal.timeout(10_000));
    }
  });

  test("of one of several stores takes that one", async () => {
    using folder = await filled();
    const further = join(folder.path, "data", "statestores", "archive");
    await onSqlite(further, (store) => fillSealed(store, readFileSync(folder.key, "utf8"), ["x"]));
    const served = ["--statestores", "archive=sqlite", "--system-stores", "default=archive"];
    const stores = [...served, "--to", folder.file];
    const data = join(folder.path, "data");
    const named = await troupe("export", data, [...stores, "--store", "archive", "--json"]);
    expect([named.code, JSON.parse(named.out)]).toMatchObject([0, { rows: { actor: 1 } }]);
    const nobody = ["--to", `${folder.file}2`, "--store", "nobody", "--json"];
    const other = await troupe("export", data, [...served, ...nobody]);
    expect([other.code, errorOf(other).hint]).toEqual([64, "there are: archive"]);
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
