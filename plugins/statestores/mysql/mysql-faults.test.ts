import { afterAll, describe, expect, test } from "bun:test";
import { SQL } from "bun";
import type { Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  bytes,
  claim,
  commit,
  dedupOf,
  json,
  messageTo,
  openSession,
  rejectionOf,
  save,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { asRoot, mysqlServers } from "../../../test/support/mysql-databases.ts";
import { MysqlStores } from "../../../test/support/mysql-stores.ts";
import { TcpFaultProxy } from "../../../test/support/tcp-fault-proxy.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { bunDriver } from "./driver-bun.ts";
import { nodeDriver } from "./driver-node.ts";

const DRIVERS = { bun: bunDriver, mysql2: nodeDriver };

interface Subject {
  readonly store: Statestore;
  /** Another node's store over the same database, not through the proxy. */
  readonly other: Statestore;
  readonly proxy: TcpFaultProxy;
  readonly database: string;
}

const includes = (packet: Uint8Array, text: string): boolean =>
  Buffer.from(packet).includes(text, 0, "latin1");

/** A transaction of somebody else's. */
class Stranger implements Disposable {
  readonly #sql: SQL;

  private constructor(sql: SQL) {
    this.#sql = sql;
  }

  static async open(url: string, database: string): Promise<Stranger> {
    const stranger = new Stranger(new SQL(url, { adapter: "mysql", max: 1 }));
    await stranger.run(`USE ${database}`);
    await stranger.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    await stranger.run("START TRANSACTION");
    return stranger;
  }

  async run(text: string): Promise<void> {
    await this.#sql.unsafe(text);
  }

  [Symbol.dispose](): void {
    void this.#sql.close({ timeout: 0 });
  }
}

/** How many deadlocks the server has seen. */
async function deadlocks(url: string): Promise<number> {
  const metric =
    "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'";
  const [row] = await asRoot(url, metric);
  return Number(row?.[0]);
}

function faultTests(
  url: string,
  within: (body: (subject: Subject) => Promise<void>) => Promise<void>,
) {
  test("an owner that was paused before its commit finds another's claim and changes nothing", () =>
    within(async ({ store, other, proxy }) => {
      const mine = await openSession(store, "mine");
      const theirs = await openSession(other, "theirs");
      const held = await claim(store, mine.id, actorId("a"));
      await save(store, held, 0, "first");
      proxy.watch((direction, packet) =>
        direction === "up" && includes(packet, "zombie") ? "hold" : "pass",
      );
      const paused = commit(
        store,
        mine.id,
        turn(held, 1, {
          change: set("zombie"),
          dedup: [dedupOf("zombie", 2)],
          outbox: [messageTo(actorId("b"), 2, 0)],
        }),
      );
      await other.sessions.fence(mine.id, true);
      const heir = await claim(other, theirs.id, actorId("a"));
      expect(heir).toMatchObject({ epoch: held.epoch + 1, revision: 1, state: json("first") });
      await save(other, heir, 1, "second");
      proxy.heal();
      expect(await paused).toEqual(["fenced"]);
      expect((await other.read(actorId("a")))?.state).toEqual(json("second"));
      expect(await other.dedup(actorId("a"), "zombie")).toBeUndefined();
      expect(await other.outbox?.due(theirs.id, 10, 1)).toEqual([]);
    }));

  test("a connection that breaks before the commit has applied nothing, and is repeated", () =>
    within(async ({ store, proxy }) => {
      const session = await openSession(store);
      const held = await claim(store, session.id, actorId("a"));
      let cuts = 0;
      proxy.watch((direction, packet) => {
        if (direction !== "up" || !includes(packet, "fragile") || cuts > 0) return "pass";
        cuts += 1;
        return "cut";
      });
      const fragile = turn(held, 0, { change: set("fragile"), dedup: [dedupOf("r", 1)] });
      expect(await commit(store, session.id, fragile)).toEqual(["committed"]);
      expect(cuts).toBe(1);
      expect(await store.read(actorId("a"))).toMatchObject({ revision: 1, state: json("fragile") });
    }));

  test.each([
    ["is cut before it arrives", "cut", 0],
    ["is cut before it is answered", "cut-after", 1],
  ] as const)(
    "a commit that %s has an unknown outcome, which reading resolves",
    (_what, fault, revision) =>
      within(async ({ store, other, proxy }) => {
        const session = await openSession(store);
        const held = await claim(store, session.id, actorId("a"));
        let cuts = 0;
        proxy.watch((direction, packet) => {
          if (direction !== "up" || !includes(packet, "COMMIT") || cuts > 0) return "pass";
          cuts += 1;
          return fault;
        });
        const doubtful = turn(held, 0, { change: set("doubtful"), dedup: [dedupOf("r", 1)] });
        const failure = await rejectionOf(commit(store, session.id, doubtful));
        expect(failure).toMatchObject({ code: "state.unavailable", outcome: "unknown" });
        expect(cuts).toBe(1);
        const settled = () =>
          other.read(actorId("a")).then((found) => found?.revision === revision);
        await waitUntil("the server has settled it", settled);
        const reply = await other.dedup(actorId("a"), "r");
        expect(reply).toEqual(revision === 1 ? dedupOf("r", 1) : undefined);
        await save(store, held, revision, "afterwards");
      }),
  );

  test("a server that is away is said, and found again", () =>
    within(async ({ store, proxy }) => {
      const session = await openSession(store);
      const held = await claim(store, session.id, actorId("a"));
      proxy.refuse();
      const lost = await rejectionOf(
        commit(store, session.id, turn(held, 0, { change: set("x") })),
      );
      expect(lost).toMatchObject({ code: "state.unavailable", outcome: "not_applied" });
      expect(await rejectionOf(store.read(actorId("a")))).toMatchObject({
        code: "state.unavailable",
        details: { reason: "STORE_UNREACHABLE" },
      });
      proxy.heal();
      await save(store, held, 0, "back");
      expect(await store.sessions.renew(session.id, 60_000)).toBe("renewed");
    }));

  test("a deadlock with a stranger is repeated until it is won", () =>
    within(async ({ store, database }) => {
      const session = await openSession(store);
      const names = ["a", "b", "c", "d"];
      const held = await Promise.all(names.map((key) => claim(store, session.id, actorId(key))));
      using stranger = await Stranger.open(url, database);
      // The server ends the transaction that has done less.
      await stranger.run("INSERT INTO troupe_meta VALUES ('weight', REPEAT('x', 100000))");
      for (let row = 0; row < 200; row += 1) {
        await stranger.run(`INSERT INTO troupe_meta VALUES ('weight ${row}', 'x')`);
      }
      await stranger.run("UPDATE troupe_actors SET commits = commits ORDER BY actor DESC LIMIT 1");
      const lockLast = "SELECT actor FROM troupe_actors ORDER BY actor DESC LIMIT 1 FOR UPDATE";
      await stranger.run(lockLast);
      const committing = commit(
        store,
        session.id,
        ...held.map((one) => turn(one, 0, { change: set("won"), dedup: [dedupOf("r", 1)] })),
      );
      await waitUntil("the commit waits for a lock", async () => {
        const [row] = await asRoot(url, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'");
        return Number(row?.[1]) > 0;
      });
      const before = await deadlocks(url);
      await stranger.run("SELECT actor FROM troupe_actors ORDER BY actor LIMIT 1 FOR UPDATE");
      await stranger.run("ROLLBACK");
      expect(await committing).toEqual(names.map(() => "committed"));
      expect(await deadlocks(url)).toBeGreaterThan(before);
      for (const key of names) {
        expect(await store.dedup(actorId(key), "r")).toEqual(dedupOf("r", 1));
      }
    }));

  test("leases that are being renewed keep nobody from committing or claiming", () =>
    within(async ({ store, other, database }) => {
      const mine = await openSession(store, "mine");
      const theirs = await openSession(other, "theirs");
      const held = await claim(store, mine.id, actorId("a"));
      using stranger = await Stranger.open(url, database);
      await stranger.run("UPDATE troupe_sessions SET renewals = renewals + 1");
      await save(store, held, 0, "saved meanwhile");
      await claim(store, mine.id, actorId("new"));
      const [owned] = await other.claim({
        sessionId: theirs.id,
        actors: [actorId("a")],
        maxRequestIds: 1,
      });
      expect(owned).toMatchObject({ kind: "owned", nodeName: "mine" });
      await store.release(mine.id, [held]);
      expect(await claim(other, theirs.id, actorId("a"))).toMatchObject({ epoch: 2, revision: 1 });
      await stranger.run("ROLLBACK");
    }));

  test("a batch beyond what one packet holds is cut into several statements", () =>
    within(async ({ store }) => {
      const session = await openSession(store);
      const keys = Array.from({ length: 24 }, (_, index) => `large-${index}`);
      const actors = keys.map((key) => actorId(key));
      const answers = await store.claim({ sessionId: session.id, actors, maxRequestIds: 1 });
      const data = new Uint8Array(1_000_000).fill(7);
      const change = { kind: "set", state: { data, type: "t" }, tags: {} } as const;
      const commits = answers.map((answer, index) => {
        if (answer.kind !== "claimed") throw new Error("not claimed");
        const held = { ...answer, actor: actorId(keys[index] ?? ""), sessionId: session.id };
        return turn(held, 0, { change, dedup: [{ ...dedupOf("r", 1), reply: bytes("ok") }] });
      });
      const results = await commit(store, session.id, ...commits);
      expect(results).toEqual(keys.map(() => "committed"));
      const again = await store.claim({ sessionId: session.id, actors, maxRequestIds: 1 });
      expect(
        again.every((one) => one.kind === "claimed" && one.state?.data.length === 1_000_000),
      ).toBe(true);
    }));
}

for (const { name, url } of mysqlServers()) {
  if (url === undefined) continue;
  for (const [driverName, driver] of Object.entries(DRIVERS)) {
    describe(`${name} through ${driverName}`, () => {
      const direct = new MysqlStores(url, driver);
      afterAll(() => direct.drop());
      faultTests(url, async (body) => {
        using folder = tempDir();
        const { hostname, port } = new URL(url);
        await using proxy = await TcpFaultProxy.start(hostname, Number(port));
        const other = await direct.open(folder.path);
        // Short enough for a test to see a call given up.
        const host = { queryTimeoutMs: 2_500 };
        const store = await direct.open(folder.path, { host, address: { port: proxy.port } });
        try {
          await body({ store, other, proxy, database: await direct.database(folder.path) });
        } finally {
          proxy.heal();
          for (const one of [store, other]) await one.stop(AbortSignal.timeout(10_000));
        }
      });
    });
  }
}
