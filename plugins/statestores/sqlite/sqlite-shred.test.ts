import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  actorId,
  bytes,
  type Claimed,
  claim,
  commit,
  dedupOf,
  openSession,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { Prng } from "../../../test/support/prng.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import sqlite from "./plugin.ts";
import type { StoreMode } from "./store-lock.ts";

/*
 * What is shredded must not be found by somebody who has the files: neither in a page that is in use
 * or free, nor in the log.
 */
const ACTORS = 1_500;
const SHREDDED = 400;

async function open(dir: string, mode: StoreMode = "exclusive") {
  const options = { path: "", mode, cache: 4 * 1024 * 1024, migrate: "auto" } as const;
  const store = sqlite.create(options, statestoreHost(dir));
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

/** Bytes that are like no others, as wrapped seeds are. */
function seedOf(random: Prng): Uint8Array {
  return Uint8Array.from({ length: 74 }, () => random.below(256));
}

function filesOf(dir: string): Buffer {
  const paths = ["troupe.db", "troupe.db-wal"].map((name) => join(dir, name));
  return Buffer.concat(paths.filter((path) => existsSync(path)).map((path) => readFileSync(path)));
}

test("shredded seeds, replies and past states are in no page and not in the log", async () => {
  using folder = tempDir();
  const store = await open(folder.path);
  try {
    const random = new Prng(7);
    const session = await openSession(store);
    const seeds: Uint8Array[] = [];
    const claims: Claimed[] = [];
    for (let index = 0; index < ACTORS; index += 1) {
      const mine = await claim(store, session.id, actorId(`a${index}`));
      const seed = seedOf(random);
      const state = { data: seedOf(random), type: "t" };
      claims.push(mine);
      seeds.push(seed);
      const first = turn(mine, 0, {
        change: { kind: "set", state, tags: {} },
        seed,
        // Longer than a page, so that some of it lies in pages of its own.
        dedup: [dedupOf("r", 1, `reply canary-${index} `.repeat(300))],
        history: [{ revision: 1, state, tags: {}, action: "add" }],
        historyPolicy: { kind: "all" },
      });
      expect(await commit(store, session.id, first)).toEqual(["committed"]);
    }
    expect(filesOf(folder.path).includes(seeds[3] as Uint8Array)).toBe(true);

    // Some have been moved to another key since.
    const old = new Uint8Array(8).fill(255);
    const moved = await store.resealing.pending(old, 5_000);
    for (const row of moved.filter(({ purpose }) => purpose === "seed").slice(0, 300)) {
      expect(await store.resealing.replace(row, seedOf(random))).toBe(true);
    }

    const gone = new Set<number>();
    while (gone.size < SHREDDED) gone.add(random.below(ACTORS));
    const shreds = [...gone].map((index) =>
      turn(claims[index] as Claimed, 1, { change: { kind: "remove" }, shred: true }),
    );
    // Some of them live again, in between others that stay.
    const reborn = [...gone].slice(0, 100).map((index) =>
      turn(claims[index] as Claimed, 2, {
        change: { kind: "set", state: { data: seedOf(random), type: "t" }, tags: {} },
        seed: seedOf(random),
      }),
    );
    for (const batch of [shreds.slice(0, 200), shreds.slice(200), reborn]) {
      const results = await commit(store, session.id, ...batch);
      expect(new Set(results)).toEqual(new Set(["committed"]));
    }
    const last = turn(claims[0] as Claimed, gone.has(0) ? 2 : 1, {
      shred: true,
      change: { kind: "remove" },
    });
    await commit(store, session.id, last);
    gone.add(0);

    expect(statSync(join(folder.path, "troupe.db-wal")).size).toBe(0);
    const files = filesOf(folder.path);
    for (const [index, seed] of seeds.entries()) {
      if (gone.has(index)) expect([index, files.includes(seed)]).toEqual([index, false]);
    }
    const kept = seeds.filter((seed, index) => !gone.has(index) && files.includes(seed));
    expect(kept.length).toBeGreaterThan(ACTORS / 2);
    for (const index of gone) {
      expect([index, files.includes(`canary-${index} `)]).toEqual([index, false]);
    }
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
}, 60_000);

test("a log that a process left behind just after it shredded is cut at the next start", async () => {
  using folder = tempDir();
  using copy = tempDir();
  const store = await open(folder.path);
  const seed = seedOf(new Prng(8));
  try {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    const state = { data: bytes("x"), type: "t" };
    await commit(
      store,
      session.id,
      turn(mine, 0, { change: { kind: "set", state, tags: {} }, seed }),
    );
    // As a process leaves it that is killed: the log holds what the database does not yet.
    cpSync(folder.path, copy.path, { recursive: true });
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
  expect(readFileSync(join(copy.path, "troupe.db-wal")).includes(seed)).toBe(true);
  const again = await open(copy.path);
  try {
    expect(await again.seeds.find([actorId("a")])).toEqual([seed]);
    expect(readFileSync(join(copy.path, "troupe.db-wal")).includes(seed)).toBe(false);
  } finally {
    await again.stop(AbortSignal.timeout(10_000));
  }
});

test("a log that another process reads is cut by a write once it has been read", async () => {
  using folder = tempDir();
  const path = join(folder.path, "troupe.db");
  const store = await open(folder.path, "shared");
  const reader = new Database(path);
  try {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    const seed = seedOf(new Prng(9));
    const set = { kind: "set", state: { data: bytes("x"), type: "t" }, tags: {} } as const;
    await commit(store, session.id, turn(mine, 0, { change: set, seed }));
    reader.run("BEGIN");
    reader.query("SELECT count(*) FROM actors").get();
    const remove = { kind: "remove" } as const;
    const shred = turn(mine, 1, { change: remove, shred: true });
    expect(await commit(store, session.id, shred)).toEqual(["committed"]);
    expect(filesOf(folder.path).includes(seed)).toBe(true);
    reader.run("COMMIT");
    await commit(store, session.id, turn(mine, 2, { change: set }));
    expect(filesOf(folder.path).includes(seed)).toBe(false);
  } finally {
    reader.close();
    await store.stop(AbortSignal.timeout(10_000));
  }
});
