import { expect, test } from "bun:test";
import { checkCounter } from "../simulation/checkers/counter-checker.ts";
import type { CounterState } from "../simulation/sim-actors.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";
import { readJson } from "./support/json-calls.ts";
import { LedgerLoad } from "./support/ledger-load.ts";
import { startDev } from "./support/troupe-process.ts";

const KILLS = 20;
const KEYS = ["a", "b", "c", "d"];
const CALLERS_EACH = 3;
const MOST_BETWEEN_KILLS = 150;

test("kill -9 at 20 random moments under load loses nothing and repeats nothing", async () => {
  using folder = tempDir();
  const args = ["--port", String(await freePort())];
  const start = () => startDev(folder.path, undefined, { args });
  let server = await start();
  const load = new LedgerLoad(server.url);
  load.start(KEYS, CALLERS_EACH);
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const enough = load.acknowledged + 1 + Math.floor(Math.random() * MOST_BETWEEN_KILLS);
      await waitUntil("calls are acknowledged", () => load.acknowledged >= enough, 30_000);
      await server.kill9();
      server = await start();
    }
  } finally {
    await load.stop();
  }
  // A run proves something only if the kills were felt and calls went through between them.
  expect(load.acknowledged).toBeGreaterThan(KILLS * 10);
  expect(load.repeated).toBeGreaterThan(KILLS);
  for (const key of KEYS) {
    const { status, value } = await readJson(server.url, `ledger/${key}`);
    expect(status).toBe(200);
    const ops = load.ops.filter(({ actor }) => actor.key === key);
    expect(checkCounter(ops, value as CounterState)).toEqual([]);
  }
  await server.kill9();
});
