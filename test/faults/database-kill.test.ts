import { describe, expect, test } from "bun:test";
import { readJson } from "../e2e/support/json-calls.ts";
import { LedgerLoad } from "../e2e/support/ledger-load.ts";
import { startDev } from "../e2e/support/troupe-process.ts";
import { PrivateServer } from "../services/private-server.ts";
import { checkCounter } from "../simulation/checkers/counter-checker.ts";
import type { CounterState } from "../simulation/sim-actors.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { DATABASES, databaseKind, takesQueries } from "./databases.ts";

const KILLS = 10;
const KEYS = ["a", "b", "c", "d"];
const CALLERS_EACH = 3;
const MOST_BETWEEN_KILLS = 100;
describe("the database is killed under load", () => {
  for (const { name, settings } of DATABASES) {
    const { kind, absent } = databaseKind(name);
    test.skipIf(absent)(`${name}: ten times, nothing is lost and nothing is repeated`, async () => {
      using folder = tempDir();
      await using database = await PrivateServer.start(kind, takesQueries);
      const env = settings(database.url);
      await using server = await startDev(folder.path, undefined, { env });
      const load = new LedgerLoad(server.url);
      const backAfterMs: number[] = [];
      load.start(KEYS, CALLERS_EACH);
      try {
        for (let kill = 0; kill < KILLS; kill += 1) {
          const enough = load.acknowledged + 1 + Math.floor(Math.random() * MOST_BETWEEN_KILLS);
          await waitUntil("calls are acknowledged", () => load.acknowledged >= enough, 30_000);
          await database.kill9();
          await database.restart(takesQueries);
          const [up, before] = [performance.now(), load.acknowledged];
          await waitUntil("the service is back", () => load.acknowledged > before, 30_000);
          backAfterMs.push(Math.round(performance.now() - up));
        }
      } finally {
        await load.stop();
      }
      process.stdout.write(`${name}: back after the server, ms: ${backAfterMs.join(" ")}\n`);
      // A run proves something only if the kills were felt and calls went through between them.
      expect(load.acknowledged).toBeGreaterThan(KILLS * 10);
      expect(load.repeated).toBeGreaterThan(KILLS);
      expect(server.running).toBe(true);
      for (const key of KEYS) {
        const { status, value } = await readJson(server.url, `ledger/${key}`);
        expect(status).toBe(200);
        const ops = load.ops.filter(({ actor }) => actor.key === key);
        expect(checkCounter(ops, value as CounterState)).toEqual([]);
      }
    });
  }
});
