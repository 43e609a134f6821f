import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { callJson } from "./support/json-calls.ts";
import {
  type Ended,
  ROOT,
  runToEnd,
  startDev,
  type TroupeServer,
} from "./support/troupe-process.ts";

const NOTES = join(ROOT, "test", "e2e", "fixtures", "kept.ts");
const folder = tempDir();
let server: TroupeServer;

beforeAll(async () => {
  server = await startDev(folder.path, [NOTES]);
});
afterAll(async () => {
  await server.kill9();
  folder[Symbol.dispose]();
});

function troupe(...args: readonly string[]): Promise<Ended> {
  return runToEnd({ cwd: folder.path, args, env: { TROUPE_URL: server.url, NO_COLOR: "1" } });
}

const revisions = ({ stdout }: Ended): number[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { revision: number }).revision);

async function written(key: string): Promise<void> {
  for (const line of ["one", "two"]) await callJson(server.url, `note/${key}/write`, line);
  await callJson(server.url, `note/${key}/name`, "a/b");
  await callJson(server.url, `note/${key}/write`, "three");
}

test("past states are listed by revision and by time, both ends with the interval", async () => {
  await written("listed");
  const history = ["state", "history", "note/listed", "--json"];
  const all = await troupe(...history);
  expect(revisions(all)).toEqual([4, 3, 2, 1]);
  expect(revisions(await troupe(...history, "--from", "2", "--to", "3"))).toEqual([3, 2]);
  expect(revisions(await troupe(...history, "--limit", "1"))).toEqual([4]);
  const rows = all.stdout.trimEnd().split("\n");
  const [third = "", second = ""] = rows
    .slice(1)
    .map((row) => (JSON.parse(row) as { committed: string }).committed);
  const since = revisions(await troupe(...history, "--from", third));
  expect(since.slice(0, 2)).toEqual([4, 3]);
  expect(revisions(await troupe(...history, "--from", second, "--to", third))).toContain(2);
  expect(revisions(await troupe(...history, "--to", "2020-01-01"))).toEqual([]);
  const table = await troupe("state", "history", "note/listed", "--limit", "2");
  expect(table.stdout).toMatch(/^REVISION +COMMITTED +ACTION +BYTES +TAGS\n4 +.* write +/);
  expect(table.stderr).toContain("--limit 0");
});

test("what differs between two states is told value by value", async () => {
  await written("compared");
  const diff = await troupe("state", "diff", "note/compared", "1", "3");
  expect(diff.code).toBe(0);
  expect(diff.stdout).toBe('+ /lines/1  "two"\n+ /title  "a/b"\n~ tags  none → titled=yes\n');
  expect(diff.stderr).toBe("note/compared, revision 1 to 3\n");
  const now = await troupe("state", "diff", "note/compared", "3", "--json");
  expect(JSON.parse(now.stdout)).toEqual({
    from: 3,
    to: 4,
    same: false,
    changes: [{ op: "add", path: "/lines/2", after: "three" }],
    tags: { before: { titled: "yes" }, after: { titled: "yes" } },
  });
  const same = await troupe("state", "diff", "note/compared", "2", "2");
  expect([same.code, same.stdout]).toEqual([0, ""]);
  const absent = await troupe("state", "diff", "note/compared", "1", "9");
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("is not kept")]);
});

test("a past state comes back as a new revision, once for a request id", async () => {
  await written("restored");
  const restore = ["state", "restore", "note/restored", "2"];
  const first = await troupe(...restore);
  expect([first.code, first.stdout]).toEqual([
    0,
    "revision 5 of note/restored is what revision 2 was\n",
  ]);
  const named = [...restore, "--request-id", "once", "--json"];
  expect(JSON.parse((await troupe(...named)).stdout)).toEqual({ revision: 6, restored: 2 });
  expect(JSON.parse((await troupe(...named)).stdout)).toEqual({ revision: 6, restored: 2 });
  const diff = await troupe("state", "diff", "note/restored", "2");
  expect([diff.stdout, diff.stderr]).toEqual(["", expect.stringContaining("they are the same")]);
  const kept = await troupe("state", "history", "note/restored", "--json");
  expect(revisions(kept)).toEqual([6, 5, 4, 3, 2, 1]);
  const never = await troupe("state", "restore", "note/restored", "99");
  expect([never.code, never.stderr]).toEqual([1, expect.stringContaining("not_found")]);
});
