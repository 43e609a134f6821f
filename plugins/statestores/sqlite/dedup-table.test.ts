import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import {
  actorId,
  bytes,
  type Claimed,
  claim,
  commit,
  openSession,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import sqlite from "./plugin.ts";

const KEEP = 3;

test("replies kept for their number are let go of once newer ones have come, however many are young", async () => {
  using folder = tempDir();
  const store = sqlite.create(
    { path: "", mode: "shared", cache: 4 * 1024 * 1024, migrate: "auto" },
    statestoreHost(folder.path, { shared: true }),
  );
  await store.start(AbortSignal.timeout(10_000));
  const { id } = await openSession(store);
  const [quiet, busy] = [
    await claim(store, id, actorId("quiet")),
    await claim(store, id, actorId("busy")),
  ];
  let revision = 0;
  const record = async (claimed: Claimed, count: number, base: number): Promise<void> => {
    for (let at = base; at < base + count; at += 1) {
      revision += 1;
      const reply = { requestId: `r${revision}`, digest: bytes("d"), revision, reply: bytes("x") };
      const result = await commit(store, id, turn(claimed, at, { dedup: [reply] }));
      expect(result).toEqual(["committed"]);
    }
  };
  await record(quiet, KEEP, 0);
  await record(busy, 20, 0);
  const db = new Database(join(folder.path, "troupe.db"));
  db.run("UPDATE dedup SET committed_ms = committed_ms + 1000000 WHERE number > ?", [KEEP]);
  db.close();
  expect(await store.prune(0, KEEP, 1)).toBe(0);
  await record(quiet, KEEP, KEEP);
  let pruned = 0;
  for (let round = 0; round < 2 * KEEP; round += 1) pruned += await store.prune(0, KEEP, 1);
  expect(pruned).toBe(KEEP);
  await store.stop(AbortSignal.timeout(10_000));
});
