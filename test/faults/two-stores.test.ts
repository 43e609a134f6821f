import { expect, test } from "bun:test";
import { callJson } from "../e2e/support/json-calls.ts";
import { outcomeOf } from "../e2e/support/ledger-load.ts";
import { startDev } from "../e2e/support/troupe-process.ts";
import { PrivateServer } from "../services/private-server.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { databaseKind, takesQueries } from "./databases.ts";

const { kind, absent } = databaseKind("PostgreSQL");
const KEY = `k1:${Buffer.alloc(32, 1).toString("base64")}`;

test.skipIf(absent)("a node with two stores goes on with one while the other is away", async () => {
  using folder = tempDir();
  await using database = await PrivateServer.start(kind, takesQueries);
  await using node = await startDev(folder.path, undefined, {
    env: {
      TROUPE_STATESTORE_KEYS: KEY,
      TROUPE_STATESTORES: "archive=postgres",
      TROUPE_STATESTORES_ARCHIVE_URL: database.url,
      TROUPE_SYSTEM_STORES: "billing=archive",
      TROUPE_ACTORS: "",
    },
  });
  const add = (path: string) => callJson(node.url, `${path}/add`, 1);
  expect((await add("counter/a")).value).toBe(1);
  expect((await fetch(`${node.adminUrl}/readyz`)).status).toBe(200);
  const stores = async () => {
    const status = (await (await fetch(`${node.adminUrl}/statusz`)).json()) as {
      readonly parts: {
        readonly stores: readonly { readonly name: string; readonly state: string }[];
      };
    };
    return Object.fromEntries(status.parts.stores.map(({ name, state }) => [name, state]));
  };
  expect(await stores()).toEqual({ default: "ok", archive: "ok" });
  await database.kill9();
  await waitUntil(
    "the loss is noticed",
    async () => (await stores())["archive"] === "unreachable",
    30_000,
  );
  // No host serves the system, and what is asked of its store is refused as not reachable.
  const away = await fetch(`${node.url}/v1/billing/counter/a`);
  expect([404, 503]).toContain(away.status);
  expect(outcomeOf(await away.json())).toBe("OUTCOME_NOT_STARTED");
  expect((await add("counter/a")).value).toBe(2);
  expect((await fetch(`${node.adminUrl}/readyz`)).status).toBe(200);
  await database.restart(takesQueries);
  await waitUntil("the store is back", async () => (await stores())["archive"] === "ok", 30_000);
});
