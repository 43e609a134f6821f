import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { fatalOf, runToEnd, startDev, type TroupeServer } from "./support/troupe-process.ts";

/** The system `default` has a store of its own, in a file of its own. */
const APART = { TROUPE_STATESTORES: "archive=sqlite", TROUPE_SYSTEM_STORES: "default=archive" };
const ARGS = ["serve"];

interface StoreStatus {
  readonly name: string;
  readonly systems: readonly string[];
  readonly state: string;
}

async function storesOf({ adminUrl }: TroupeServer): Promise<readonly StoreStatus[]> {
  const page = (await (await fetch(`${adminUrl}/statusz`)).json()) as {
    readonly parts: { readonly stores: readonly StoreStatus[] };
  };
  return page.parts.stores.map(({ name, systems, state }) => ({ name, systems, state }));
}

function actorsIn(path: string): number {
  const db = new Database(path, { readonly: true });
  const row = db.query("SELECT count(*) AS n FROM actors WHERE system = 'default'").get();
  db.close();
  return (row as { readonly n: number }).n;
}

async function ended(server: TroupeServer): Promise<void> {
  server.signal("SIGTERM");
  expect((await server.ended()).code).toBe(0);
}

test("a system with a store of its own keeps its actors there, also through kill -9", async () => {
  using folder = tempDir();
  {
    await using server = await startDev(folder.path, undefined, { env: APART });
    expect((await callJson(server.url, "counter/a/add", 3)).value).toBe(3);
    expect(await storesOf(server)).toEqual([
      { name: "default", systems: [], state: "ok" },
      { name: "archive", systems: ["default"], state: "ok" },
    ]);
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    expect(metrics).toContain('troupe_store_up{store="archive"} 1');
    expect(metrics).toContain('troupe_store_activations{store="archive"} 1');
    expect(metrics).toContain('troupe_store_activations{store="default"} 0');
    await server.kill9();
  }
  await using server = await startDev(folder.path, undefined, { env: APART });
  expect((await readJson(server.url, "counter/a")).revision).toBe(1);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(4);
  await ended(server);
  const data = join(folder.path, ".troupe");
  expect(actorsIn(join(data, "statestores", "archive", "troupe.db"))).toBe(1);
  expect(actorsIn(join(data, "troupe.db"))).toBe(0);
});

test("a system whose actors lie in another store is refused, rather than begun from nothing", async () => {
  using folder = tempDir();
  {
    await using server = await startDev(folder.path);
    expect((await callJson(server.url, "counter/a/add", 3)).value).toBe(3);
    await ended(server);
  }
  const refused = await runToEnd({ cwd: folder.path, args: ARGS, env: APART });
  expect([refused.code, fatalOf(refused).reason]).toEqual([78, "system_elsewhere"]);
  expect(fatalOf(refused).hint).toContain("system default is given the statestore archive");
  await using server = await startDev(folder.path);
  expect((await callJson(server.url, "counter/a/add", 1)).value).toBe(4);
});

test("what does not fit together is refused with everything that is wrong", async () => {
  using folder = tempDir();
  const env = {
    TROUPE_STATESTORES: "archive=sqlite,audit=sqlte",
    TROUPE_SYSTEM_STORES: "billing=archve,a/b=audit",
  };
  const refused = await runToEnd({ cwd: folder.path, args: ARGS, env });
  expect(refused.code).toBe(78);
  const reasons = (fatalOf(refused) as unknown as { problems: readonly { reason: string }[] })
    .problems;
  expect(reasons.map(({ reason }) => reason).sort()).toEqual(["charset", "unknown_plugin"]);
  const mended = { ...env, TROUPE_STATESTORES: "archive=sqlite,audit=sqlite" };
  const again = await runToEnd({
    cwd: folder.path,
    args: ARGS,
    env: { ...mended, TROUPE_SYSTEM_STORES: "billing=archve" },
  });
  const found = (fatalOf(again) as unknown as { problems: readonly { key: string }[] }).problems;
  expect(found.map(({ key }) => key).sort()).toEqual([
    "statestores.archive",
    "statestores.audit",
    "systems.billing.statestore",
  ]);
});
