import { expect, test } from "bun:test";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { ACTORS, fatalOf, ROOT, runToEnd, startDev } from "./support/troupe-process.ts";

test("an empty directory and one file are all it takes, and kill -9 loses nothing", async () => {
  using folder = tempDir();
  cpSync(join(ROOT, "examples", "counter.ts"), join(folder.path, "actors.ts"));
  {
    await using server = await startDev(folder.path, ["actors.ts"]);
    const once = { "idempotency-key": "a-1" };
    const first = await callJson(server.url, "counter/bar/add", 5, once);
    const again = await callJson(server.url, "counter/bar/add", 5, once);
    expect(first).toEqual({ status: 200, value: 5, revision: 1, replayed: false });
    expect(again).toEqual({ ...first, replayed: true });
    expect((await callJson(server.url, "counter/bar/add", 6, once)).status).toBe(400);
    await server.kill9();
  }
  await using server = await startDev(folder.path, ["actors.ts"]);
  expect(await readJson(server.url, "counter/bar")).toMatchObject({ value: { count: 5 } });
  const late = await callJson(server.url, "counter/bar/add", 5, { "idempotency-key": "a-1" });
  expect(late).toMatchObject({ value: 5, revision: 1, replayed: true });
  const next = await callJson(server.url, "counter/bar/add", 1);
  expect(next).toMatchObject({ value: 6, revision: 2 });
  expect(readdirSync(folder.path).sort()).toEqual([".troupe", "actors.ts"]);
  expect(server.stdout).toContain(`curl -X POST ${server.url}/v1/counter/bar/add`);
});

test("files that a Bun program would read are not read", async () => {
  using folder = tempDir();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at(".env"), "TROUPE_NODE_NAME=from-env-file\nTROUPE_LOG_LEVEL=error\n");
  writeFileSync(at("bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(at("preload.ts"), 'await Bun.write("preloaded", "");\n');
  writeFileSync(at("package.json"), "{ this is no package");
  writeFileSync(at("tsconfig.json"), "{ nor is this a configuration");
  await using server = await startDev(folder.path, [ACTORS]);
  expect(server.logged("node.ready")[0]?.["node"]).not.toBe("from-env-file");
  expect(readdirSync(folder.path)).not.toContain("preloaded");
  expect((await callJson(server.url, "counter/bar/add", 1)).value).toBe(1);
});

test("a changed file is loaded, a broken one is not, and state stays", async () => {
  using folder = tempDir();
  const file = join(folder.path, "actors.ts");
  const source = (factor: string): string =>
    `export default { type: "counter", initial: 0, actions: {
      add: (ctx, n) => (ctx.state += n * ${factor}) } };`;
  writeFileSync(file, source("1"));
  await using server = await startDev(folder.path, ["actors.ts"]);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(1);
  writeFileSync(file, source("10"));
  await waitUntil("the change is loaded", () => server.logged("actors.reloaded").length === 1);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(11);
  writeFileSync(file, "export default {");
  await waitUntil("the breakage is told", () => server.logged("actors.not_reloaded").length === 1);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(21);
});

test("a second server on the same data is refused", async () => {
  using folder = tempDir();
  await using server = await startDev(folder.path);
  const second = await runToEnd({ cwd: folder.path, args: ["serve"] });
  expect([second.code, fatalOf(second).reason]).toEqual([75, "store_locked"]);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(1);
});

test("a port that is taken is said", async () => {
  using folder = tempDir();
  using other = tempDir();
  await using server = await startDev(folder.path);
  const taken = `127.0.0.1:${server.port}`;
  const args = ["dev", ACTORS, "--http-addr", taken];
  const second = await runToEnd({ cwd: other.path, args });
  expect([second.code, fatalOf(second).reason]).toEqual([69, "address_in_use"]);
});
