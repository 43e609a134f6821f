import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sqlite from "../../plugins/statestores/sqlite/plugin.ts";
import type { SqliteStatestore } from "../../plugins/statestores/sqlite/sqlite-statestore.ts";
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
import type { ActorId } from "../domain/actor.ts";
import { makeSealer, parseKeyring } from "../platform/envelope.ts";
import { resealOnce } from "./reseal.ts";
import { type Sealer, seedsOf } from "./sealer.ts";

const CANARY = "canary-7f3a9c";
const OLD = `old:${Buffer.alloc(32, 1).toString("base64")}`;
const NEW = `new:${Buffer.alloc(32, 2).toString("base64")}`;
const sealer = (...keys: readonly string[]) => makeSealer(parseKeyring(keys.join(",")), "test");

/** All that can be read of an actor's first turn, and whether it was sealed with a seed. */
async function openAll(store: SqliteStatestore, by: Sealer, actor: ActorId) {
  const row = await store.read(actor);
  const seed = row?.seed && by.seeds?.open(actor, row.seed);
  const [schedule] = await store.schedules.list(actor);
  const past = await store.history.byRevision(actor, 1);
  const record = await store.dedup(actor, "r");
  const sealed = [
    ["state", 1, "json", row?.state?.data],
    ["schedule", 0, "s", schedule?.body],
    ["history", 1, "json", past?.state?.data],
    ["dedup", 1, "r", record?.reply],
  ] as const;
  const texts: string[] = [];
  for (const [purpose, revision, label, bytesOf = new Uint8Array(0)] of sealed) {
    expect([purpose, bytesOf[1]]).toEqual([purpose, seed === undefined ? 1 : 2]);
    const plain = by.open(purpose, actor, revision, label, bytesOf, seed);
    texts.push(new TextDecoder().decode(plain));
  }
  return { seeded: seed !== undefined, texts };
}

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
      // Some actors have a seed from the beginning, some get one later, and some have none.
      const made = index % 3 === 0 ? undefined : seedsOf(store, old)?.make(actor);
      const seed = index % 3 === 1 ? made?.seed : undefined;
      const data = old.seal("state", actor, 1, "json", bytes(`${CANARY} ${index}`), seed);
      const reply = old.seal("dedup", actor, 1, "r", bytes(`${CANARY} reply`), seed);
      const body = old.seal("schedule", actor, 0, "s", bytes(`${CANARY} body`), seed);
      const past = old.seal("history", actor, 1, "json", bytes(`${CANARY} past`), seed);
      const message = old.seal("outbox", actor, 1, "1.1.0", bytes(`${CANARY} message`), seed);
      const target = actorId("target");
      const one = turn(mine, 0, {
        change: { kind: "set", state: { data, type: "json" }, tags: {} },
        dedup: [{ requestId: "r", digest: bytes("d"), revision: 1, reply }],
        schedules: [{ kind: "set", name: "s", dueMs: 0, repeat: "", action: "tick", body }],
        history: [{ revision: 1, state: { data: past, type: "json" }, tags: {}, action: "add" }],
        historyPolicy: { kind: "all" },
        ...(made !== undefined && { seed: made.wrapped }),
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
    for (let sweep = 0; sweep < 60 && moved < 56; sweep++) {
      const count = await resealOnce(store, rotated, 3);
      moved += count.moved;
      unreadable += count.unreadable.length;
      expect(count.changed).toBe(0);
    }
    expect(moved).toBe(56);
    expect(unreadable).toBeGreaterThan(0);
    const counts = await store.resealing.countByKey();
    expect(counts.get(Buffer.from(rotated.activeKeyId).toString("hex"))).toBe(56);
    expect(counts.get(Buffer.from(old.activeKeyId).toString("hex"))).toBeUndefined();
    const rest = await resealOnce(store, rotated, 100);
    expect([rest.moved, rest.changed]).toEqual([0, 0]);
    expect(rest.unreadable.map((row) => row.actor.key)).toEqual(["foreign"]);

    const fresh = sealer(NEW);
    expect(await openAll(store, fresh, actorId("actor-3"))).toEqual({
      seeded: false,
      texts: ["3", "body", "past", "reply"].map((text) => `${CANARY} ${text}`),
    });
    for (const key of ["actor-4", "actor-5"]) {
      const texts = [key.slice(6), "body", "past", "reply"].map((text) => `${CANARY} ${text}`);
      expect(await openAll(store, fresh, actorId(key))).toEqual({ seeded: true, texts });
    }
    expect((await store.read(actorId("foreign")))?.state?.data).toEqual(data);
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
});
