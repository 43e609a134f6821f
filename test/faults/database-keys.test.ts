import { describe, expect, test } from "bun:test";
import { readJson } from "../e2e/support/json-calls.ts";
import { LedgerLoad } from "../e2e/support/ledger-load.ts";
import { runToEnd, startDev, type TroupeServer } from "../e2e/support/troupe-process.ts";
import { PrivateServer } from "../services/private-server.ts";
import { checkCounter } from "../simulation/checkers/counter-checker.ts";
import type { CounterState } from "../simulation/sim-actors.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { DATABASES, databaseKind, takesQueries } from "./databases.ts";

const KEYS = ["a", "b", "c", "d"];
const CALLERS_EACH = 2;
const LEAST = 200;
const key = (name: string, byte: number): string =>
  `${name}:${Buffer.alloc(32, byte).toString("base64")}`;
const [OLD, NEW] = [key("old", 1), key("new", 2)];

/** How many rows lie under a key, by the node's own word. */
async function rowsUnder(server: TroupeServer, cwd: string, id: string): Promise<number> {
  const env = { TROUPE_ADMIN_URL: server.adminUrl };
  const { code, stdout } = await runToEnd({ cwd, args: ["keys", "status", "--json"], env });
  if (code !== 0) throw new Error(stdout);
  const { keys } = JSON.parse(stdout) as { keys: readonly { id: string; rows: number }[] };
  return keys.find((row) => row.id === id)?.rows ?? 0;
}

describe("keys are rotated under load", () => {
  for (const database of DATABASES) {
    const { kind, absent } = databaseKind(database.name);
    test.skipIf(absent)(`${database.name}: and the old key can be taken away`, async () => {
      using folder = tempDir();
      await using server = await PrivateServer.start(kind, takesQueries);
      const start = (keys: string) =>
        startDev(folder.path, undefined, {
          env: {
            ...database.settings(server.url),
            TROUPE_STATESTORE_KEYS: keys,
            TROUPE_LIMITS_RESEAL_RATE: "2000",
            TROUPE_PEER_ADDR: "127.0.0.1:0",
          },
        });
      const loads: LedgerLoad[] = [];
      const run = async (node: TroupeServer, until: () => Promise<boolean>) => {
        const load = new LedgerLoad(node.url);
        load.start(
          KEYS.map((name) => `${name}${loads.length}`),
          CALLERS_EACH,
        );
        loads.push(load);
        try {
          await waitUntil("calls are acknowledged", () => load.acknowledged >= LEAST, 30_000);
          await waitUntil("the rows are as wanted", until, 60_000);
        } finally {
          await load.stop();
        }
        // A state that did not open would have been answered with an error.
        expect(load.repeated).toBe(0);
      };
      const before = await start(OLD);
      await run(before, async () => (await rowsUnder(before, folder.path, "old")) > LEAST);
      await before.kill9();
      const between = await start(`${NEW},${OLD}`);
      await run(between, async () => (await rowsUnder(between, folder.path, "old")) === 0);
      await between.kill9();
      await using after = await start(NEW);
      for (const [index, load] of loads.entries()) {
        for (const name of KEYS.map((each) => `${each}${index}`)) {
          const { status, value } = await readJson(after.url, `ledger/${name}`);
          expect(status).toBe(200);
          const ops = load.ops.filter(({ actor }) => actor.key === name);
          expect(checkCounter(ops, value as CounterState)).toEqual([]);
        }
      }
    });
  }
});
