import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sqlite from "../../plugins/statestores/sqlite/plugin.ts";
import {
  actorId,
  bytes,
  claim,
  commit,
  openSession,
  turn,
} from "../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { makeSealer, parseKeyring } from "../platform/envelope.ts";
import { resealOnce } from "./reseal.ts";

const CANARY = "canary-7f3a9c";
const OLD = `old:${Buffer.alloc(32, 1).toString("base64")}`;
const NEW = `new:${Buffer.alloc(32, 2).toString("base64")}`;
const sealer = (...keys: readonly string[]) => makeSealer(parseKeyring(keys.join(",")), "test");

test("sweeps move every sealed row to the active key and pass by what does not open", async () => {
  using folder = tempDir();
  const options = { path: "", mode: "exclusive", cache: 4 * 1024 * 1024, migrate: "auto" } as const;
  const store = sqlite.create(options, statestoreHost(folder.path));
  await store.start(AbortSignal.timeout(10_000));
  try {
    const old = sealer(OLD);
    const rotated = sealer(NEW, OLD);
    const session = await openSession(store);
    for (let index = 0; index < 10; index++) {
      const actor = actorId(`actor-${index}`);
      const mine = await claim(store, session.id, actor);
      const data = old.seal("state", actor, 1, "json", bytes(`${CANARY} ${index}`));
      const reply = old.seal("dedup", actor, 1, "r", bytes(`${CANARY} reply`));
      const body = old.seal("schedule", actor, 0, "s", bytes(`${CANARY} body`));
      const past = old.seal("history", actor, 1, "json", bytes(`${CANARY} past`));
      const message = old.seal("outbox", actor, 1, "1.1.0", bytes(`${CANARY} message`));
      const target = actorId("target");
      const one = turn(mine, 0, {
        change: { kind: "set", state: { data, type: "json" }, tags: {} },
        dedup: [{ requestId: "r", digest: bytes("d"), revision: 1, reply }],
        schedules: [{ kind: "set", name: "s", dueMs: 0, repeat: "", action: "tick", body }],
        history: [{ revision: 1, state: { data: past, type: "json" }, tags: {}, action: "add" }],
        historyPolicy: { kind: "all" },
        outbox: [
          { id: "1.1.0", revision: 1, index: 0, target, action: "a", body: message, delayMs: 0 },
        ],
      });
      expect(await commit(store, session.id, one)).toEqual(["committed"]);
    }
    const foreign = await claim(store, session.id, actorId("foreign"));
    const data = new Uint8Array(60).fill(1);
    const change = { kind: "set", state: { data, type: "json" }, tags: {} } as const;
    await commit(store, session.id, turn(foreign, 0, { change }));

    for (const name of ["troupe.db", "troupe.db-wal"]) {
      const file = readFileSync(join(folder.path, name));
      expect(file.includes(CANARY)).toBe(false);
    }

    let moved = 0;
    let unreadable = 0;
    for (let sweep = 0; sweep < 40 && moved < 50; sweep++) {
      const count = await resealOnce(store, rotated, 3);
      moved += count.moved;
      unreadable += count.unreadable;
      expect(count.changed).toBe(0);
    }
    expect(moved).toBe(50);
    expect(unreadable).toBeGreaterThan(0);
    const counts = await store.resealing.countByKey();
    expect(counts.get(Buffer.from(rotated.activeKeyId).toString("hex"))).toBe(50);
    expect(counts.get(Buffer.from(old.activeKeyId).toString("hex"))).toBeUndefined();
    expect(await resealOnce(store, rotated, 100)).toEqual({ moved: 0, changed: 0, unreadable: 1 });

    const found = await store.read(actorId("actor-3"));
    const fresh = sealer(NEW);
    const plain = fresh.open(
      "state",
      actorId("actor-3"),
      found?.revision ?? 0,
      "json",
      found?.state?.data ?? data,
    );
    expect(plain).toEqual(bytes(`${CANARY} 3`));
    const [schedule] = await store.schedules.list(actorId("actor-3"));
    const body = schedule?.body ?? data;
    expect(fresh.open("schedule", actorId("actor-3"), 0, "s", body)).toEqual(
      bytes(`${CANARY} body`),
    );
    expect((await store.read(actorId("foreign")))?.state?.data).toEqual(data);
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
});
