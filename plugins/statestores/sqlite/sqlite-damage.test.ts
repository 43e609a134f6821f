import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerError, Statestore } from "../../../src/contract/index.ts";
import { selfTestStatestore } from "../../../src/node/statestore-self-test.ts";
import {
  actorId,
  claim,
  commit,
  dedupOf,
  json,
  openSession,
  rejectionOf,
  save,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import {
  type RecordedHealth,
  statestoreHost,
} from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { encodeBatch } from "./commit-frame.ts";
import type { SqlDatabase, SqlDriver } from "./driver.ts";
import { bunDriver } from "./driver-bun.ts";
import { nodeDriver } from "./driver-node.ts";
import sqlite from "./plugin.ts";
import { SqliteEngine } from "./sqlite-engine.ts";

const PAGE_BYTES = 4096;
const OPTIONS = { path: "", mode: "exclusive", cache: 4 * 1024 * 1024, migrate: "auto" } as const;

async function withSqlite(body: (store: Statestore, dir: string) => Promise<void>): Promise<void> {
  using folder = tempDir();
  const store = sqlite.create(OPTIONS, statestoreHost(folder.path));
  await store.start(AbortSignal.timeout(10_000));
  try {
    await body(store, folder.path);
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
}

/** Does what somebody with a shell on the machine could do. */
function edit(dir: string, sql: string): void {
  const db = new Database(join(dir, "troupe.db"));
  db.run(sql);
  db.close();
}

function rowOf(dir: string): unknown {
  const db = new Database(join(dir, "troupe.db"), { readonly: true });
  const row = db.query("SELECT * FROM actors WHERE hex(key) = hex('bad')").values();
  db.close();
  return row;
}

describe("a damaged row", () => {
  test.each([
    ["a negative revision", "revision = -1", "REV_INVALID"],
    ["revision 0 with a state", "revision = 0", "REV_INVALID"],
    ["the last revision", "revision = 9223372036854775807", "REV_EXHAUSTED"],
    ["the last epoch", "epoch = 9223372036854775807", "EPOCH_EXHAUSTED"],
    ["a negative epoch", "epoch = -5", "EPOCH_INVALID"],
    ["NUL in a type", "state_type = 'a' || char(0)", "STATE_UNREADABLE"],
    ["invalid UTF-8 in a type", "state_type = CAST(x'61ff62' AS TEXT)", "STATE_UNREADABLE"],
    ["a type without a state", "state = NULL", "STATE_UNREADABLE"],
    ["a state without a type", "state_type = NULL", "STATE_UNREADABLE"],
    ["another system", "system = 'other'", "ROW_MISMATCH"],
    ["a torn list of replies", "recent = '1,x'", "DEDUP_UNREADABLE"],
  ])("with %s stops its actor, and nothing else", (_name, change, reason) =>
    withSqlite(async (store, dir) => {
      const session = await openSession(store);
      await save(store, await claim(store, session.id, actorId("bad")), 0, "kept");
      const good = await claim(store, session.id, actorId("good"));
      edit(dir, `UPDATE actors SET ${change} WHERE key = 'bad'`);
      const before = rowOf(dir);
      const answers = await store.claim({
        sessionId: session.id,
        actors: [actorId("bad"), actorId("good")],
        maxRequestIds: 1,
      });
      expect(answers[0]).toEqual({ kind: "damaged", reason });
      expect(answers[1]?.kind).toBe("claimed");
      expect(good.epoch).toBe(1);
      expect(rowOf(dir)).toEqual(before);
      const refusal = { code: "state.corrupt", outcome: "not_applied", details: { reason } };
      expect(await rejectionOf(store.read(actorId("bad")))).toMatchObject(refusal);
    }),
  );

  test.each(["'[]'", "'{'", "CAST(x'7b2261223a22ff227d' AS TEXT)", `'{"a":1}'`])(
    "with tags %s stops its actor",
    (tags) =>
      withSqlite(async (store, dir) => {
        const session = await openSession(store);
        await save(store, await claim(store, session.id, actorId("bad")), 0, "kept");
        edit(dir, "DROP TRIGGER actors_tags");
        edit(dir, `UPDATE actors SET tags = ${tags} WHERE key = 'bad'`);
        const request = { sessionId: session.id, actors: [actorId("bad")], maxRequestIds: 1 };
        const [answer] = await store.claim(request);
        expect(answer).toEqual({ kind: "damaged", reason: "TAGS_UNREADABLE" });
      }),
  );

  test("whose pages are broken stops its actor, and nothing else", async () => {
    using folder = tempDir();
    const start = async (): Promise<Statestore> => {
      const store = sqlite.create(OPTIONS, statestoreHost(folder.path));
      await store.start(AbortSignal.timeout(10_000));
      return store;
    };
    const first = await start();
    const session = await openSession(first);
    await save(first, await claim(first, session.id, actorId("bad")), 0, "#".repeat(40_000));
    await save(first, await claim(first, session.id, actorId("good")), 0, "kept");
    await first.stop?.(AbortSignal.timeout(10_000));
    const path = join(folder.path, "troupe.db");
    const file = readFileSync(path);
    // A page that holds nothing but the state begins with the number of the page that follows it.
    let page = 0;
    while (!/^#+$/.test(file.toString("latin1", page + 4, page + PAGE_BYTES))) page += PAGE_BYTES;
    writeFileSync(path, file.fill(0xff, page, page + 4));
    const second = await start();
    try {
      const { id } = await openSession(second);
      const actors = [actorId("bad"), actorId("good")];
      const answers = await second.claim({ sessionId: id, actors, maxRequestIds: 1 });
      expect(answers[0]).toEqual({ kind: "damaged", reason: "ROW_CORRUPT" });
      expect(answers[1]).toMatchObject({ kind: "claimed", epoch: 2, state: json("kept") });
      const refusal = { code: "state.corrupt", details: { reason: "ROW_CORRUPT" } };
      expect(await rejectionOf(second.read(actorId("bad")))).toMatchObject(refusal);
    } finally {
      await second.stop?.(AbortSignal.timeout(10_000));
    }
  });

  test("that was deleted by hand makes its owner's next commit fail", () =>
    withSqlite(async (store, dir) => {
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("bad"));
      await save(store, mine, 0, "kept");
      edit(dir, "DELETE FROM actors WHERE key = 'bad'");
      expect(await commit(store, session.id, turn(mine, 1, { change: set("x") }))).toEqual([
        "fenced",
      ]);
    }));
});

/** A driver that hands out the connection to the store's file, to make its disk small. */
function spyOn(driver: SqlDriver): { readonly driver: SqlDriver; main(): SqlDatabase } {
  let opened: SqlDatabase | undefined;
  return {
    driver: {
      open(path) {
        const db = driver.open(path);
        if (path.endsWith("troupe.db")) opened = db;
        return db;
      },
      errorCode: (error) => driver.errorCode(error),
    },
    main() {
      if (opened === undefined) throw new Error("the store has not been opened");
      return opened;
    },
  };
}

describe.each([
  ["bun:sqlite", bunDriver],
  ["node:sqlite", nodeDriver],
])("the engine on %s", (_name, driver) => {
  function withEngine(body: (engine: SqliteEngine, db: SqlDatabase) => void): void {
    using folder = tempDir();
    const spy = spyOn(driver);
    const path = join(folder.path, "troupe.db");
    const engine = new SqliteEngine(spy.driver, {
      path,
      mode: "exclusive",
      cluster: "test",
      cacheBytes: 1024 * 1024,
      migrate: "auto",
    });
    try {
      body(engine, spy.main());
    } finally {
      engine.close();
    }
  }

  test("commits, reads back and answers large integers exactly", () => {
    withEngine((engine) => {
      const { id } = engine.sessions.open({
        nodeName: "a",
        bootId: "b",
        address: "",
        ttlMs: 60_000,
      });
      const [claimed] = engine.actors.claim({
        sessionId: id,
        actors: [actorId("a")],
        maxRequestIds: 1,
      });
      if (claimed?.kind !== "claimed") throw new Error("not claimed");
      const mine = { ...claimed, actor: actorId("a"), sessionId: id };
      const revision = 2 ** 52 + 1;
      const commits = [
        turn(mine, 0, {
          revision,
          change: set("state", { a: "b" }),
          dedup: [dedupOf("r", revision)],
        }),
      ];
      engine.commit(encodeBatch(1, { sessionId: id, commits }, new ArrayBuffer(8)));
      expect(engine.actors.read(actorId("a"))).toEqual({
        epoch: 1,
        revision,
        state: json("state"),
        tags: { a: "b" },
      });
      expect(engine.dedup.find(actorId("a"), "r")).toEqual(dedupOf("r", revision));
      expect(engine.search.list({ system: "default", tags: { a: "b" }, limit: 1 })).toHaveLength(1);
    });
  });

  test("a full disk refuses commits, serves reads, and heals", () => {
    withEngine((engine, db) => {
      const { id } = engine.sessions.open({
        nodeName: "a",
        bootId: "b",
        address: "",
        ttlMs: 60_000,
      });
      const [claimed] = engine.actors.claim({
        sessionId: id,
        actors: [actorId("a")],
        maxRequestIds: 1,
      });
      if (claimed?.kind !== "claimed") throw new Error("not claimed");
      const mine = { ...claimed, actor: actorId("a"), sessionId: id };
      const write = (base: number, size: number) => {
        const state = { data: new Uint8Array(size), type: "t" };
        const commits = [turn(mine, base, { change: { kind: "set", state, tags: {} } })];
        return engine.commit(encodeBatch(1, { sessionId: id, commits }, new ArrayBuffer(8)));
      };
      write(0, 10);
      const pages = Number(db.prepare("PRAGMA page_count").get()?.[0]);
      db.exec(`PRAGMA max_page_count = ${pages + 2}`);
      let refused: unknown;
      try {
        write(1, 1_000_000);
      } catch (error) {
        refused = (error as { failure: unknown }).failure;
      }
      const failure = { code: "state.unavailable", outcome: "not_applied" };
      expect(refused).toMatchObject({ ...failure, details: { reason: "STORE_FULL" } });
      expect(engine.actors.read(actorId("a"))).toMatchObject({ revision: 1 });
      expect(engine.sessions.renew(id, 60_000)).toBe("renewed");
      db.exec("PRAGMA max_page_count = 1073741823");
      write(1, 1_000_000);
      expect(engine.actors.read(actorId("a"))?.revision).toBe(2);
    });
  });
});

test("the fence test passes on the real store and leaves no session", () =>
  withSqlite(async (store) => {
    await selfTestStatestore(store);
    const sessions = await store.sessions.list();
    expect(sessions.map(({ state }) => state)).toEqual(["fenced", "closed"]);
  }));

test("a commit that cannot be read fails alone", () =>
  withSqlite(async (store) => {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    const broken = turn(mine, 0, { revision: Number.NaN, change: set("x") });
    const error = await rejectionOf(commit(store, session.id, broken));
    expect(error).toMatchObject({ code: "internal.bug" });
    await save(store, mine, 0, "still served");
  }));

test("a failing commit degrades the health until one succeeds", async () => {
  using folder = tempDir();
  const recorded: RecordedHealth[] = [];
  const store = sqlite.create(OPTIONS, statestoreHost(folder.path, { recorded }));
  await store.start(AbortSignal.timeout(10_000));
  try {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    const rival = new Database(join(folder.path, "troupe.db"));
    rival.run("DROP TABLE dedup");
    const recording = turn(mine, 0, { change: set("x"), dedup: [dedupOf("r", 1)] });
    const error = (await rejectionOf(commit(store, session.id, recording))) as ServerError;
    expect(error.outcome).toBe("not_applied");
    expect((await store.read(actorId("a")))?.revision).toBe(0);
    await save(store, mine, 0, "without a reply");
    rival.close();
    expect(recorded.map(({ health }) => health)).toEqual(["degraded", "ok"]);
  } finally {
    await store.stop(AbortSignal.timeout(10_000));
  }
});
