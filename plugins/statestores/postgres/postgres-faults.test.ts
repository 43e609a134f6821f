import { describe, expect, test } from "bun:test";
import { SQL } from "bun";
import type { Statestore, StatestoreHost } from "../../../src/contract/index.ts";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";
import { openPostgres } from "../../../test/conformance/support/postgres-store.ts";
import {
  actorId,
  type Claimed,
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
import type { RecordedHealth } from "../../../test/conformance/support/statestore-host.ts";
import { TcpFaultProxy } from "../../../test/support/tcp-fault-proxy.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { actorIdentity } from "../kit/identity.ts";
import type { PostgresOptions } from "./plugin.ts";

const backend = postgresBackend();
const absent = backend === undefined;
const signal = () => AbortSignal.timeout(10_000);

interface Faulty {
  readonly proxy: TcpFaultProxy;
  /** Reaches the server through the proxy. */
  readonly store: Statestore;
  readonly dir: string;
  readonly mine: Claimed;
  /** Runs one statement on the server itself; `@` is the schema. */
  edit(sql: string): Promise<readonly unknown[]>;
}

async function withFaults(
  body: (faulty: Faulty) => Promise<void>,
  options: Partial<PostgresOptions> = {},
  host: Partial<StatestoreHost> = {},
): Promise<void> {
  if (backend === undefined) return;
  using folder = tempDir();
  const { hostname, port } = new URL(backend.url);
  await using proxy = await TcpFaultProxy.start(hostname, Number(port));
  const merged = { poolSize: 2, url: proxy.urlOf(backend.url), ...options };
  const store = await openPostgres(backend, folder.path, merged, host);
  const schema = backend.schemaOf(folder.path);
  try {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    const edit = (sql: string) => backend.edit(sql.replaceAll("@", `"${schema}".`));
    await body({ proxy, store, dir: folder.path, mine, edit });
  } finally {
    proxy.heal();
    await store.stop?.(signal());
  }
}

const first = (mine: Claimed) => turn(mine, 0, { change: set("1"), dedup: [dedupOf("r", 1)] });

/** A connection of its own that holds a lock until it is told to let go. */
async function locking(statement: string, body: (sql: SQL) => Promise<void>): Promise<void> {
  const sql = new SQL(backend?.url ?? "", { max: 1 });
  try {
    await sql.unsafe("BEGIN");
    await sql.unsafe(statement);
    await body(sql);
  } finally {
    await sql.unsafe("ROLLBACK").catch(() => undefined);
    await sql.close();
  }
}

const hexOf = (key: string): string => Buffer.from(actorIdentity(actorId(key))).toString("hex");

describe("a commit whose connection breaks", () => {
  test.skipIf(absent)("after the server took it is said to be unknown, and was applied", () =>
    withFaults(async ({ proxy, store, mine }) => {
      // Its text is prepared by another turn, so that one message carries the whole commit.
      await save(store, await claim(store, mine.sessionId, actorId("b")), 0, "warm");
      let sent = false;
      proxy.watch((direction) => {
        if (direction === "up") sent = true;
        return direction === "down" && sent ? "cut" : "pass";
      });
      const error = await rejectionOf(commit(store, mine.sessionId, first(mine)));
      expect(error).toMatchObject({ code: "state.unavailable", outcome: "unknown" });
      proxy.heal();
      expect(await store.read(actorId("a"))).toMatchObject({ revision: 1, state: json("1") });
      expect((await store.dedup(actorId("a"), "r"))?.revision).toBe(1);
      expect(await commit(store, mine.sessionId, first(mine))).toEqual(["conflict"]);
    }),
  );

  test.skipIf(absent)("before the server took it is said to be unknown, and was not applied", () =>
    withFaults(async ({ proxy, store, mine }) => {
      await save(store, await claim(store, mine.sessionId, actorId("b")), 0, "warm");
      proxy.watch((direction) => (direction === "up" ? "cut" : "pass"));
      const error = await rejectionOf(commit(store, mine.sessionId, first(mine)));
      expect(error).toMatchObject({ code: "state.unavailable", outcome: "unknown" });
      proxy.heal();
      expect((await store.read(actorId("a")))?.revision).toBe(0);
      expect(await commit(store, mine.sessionId, first(mine))).toEqual(["committed"]);
    }),
  );

  test.skipIf(absent)(
    "and whose answer never comes is given up in time, with outcome unknown",
    () =>
      withFaults(
        async ({ proxy, store, mine }) => {
          proxy.hold("down");
          const error = await rejectionOf(commit(store, mine.sessionId, first(mine)));
          const details = { reason: "STORE_TIMEOUT" };
          expect(error).toMatchObject({ code: "state.unavailable", outcome: "unknown", details });
        },
        {},
        { queryTimeoutMs: 300 },
      ),
  );
});

describe("a server that is away", () => {
  test.skipIf(absent)(
    "fails commits and reads as not applied, once the time for a query is over",
    () =>
      withFaults(
        async ({ proxy, store, mine }) => {
          proxy.refuse();
          await waitUntil("the connections have ended", () => proxy.connections === 0);
          const refusal = {
            code: "state.unavailable",
            outcome: "not_applied",
            details: { reason: "STORE_UNREACHABLE" },
          };
          // A connection that has broken may not know it yet: then the first says that it is unknown.
          await store.read(actorId("a")).catch(() => undefined);
          await store.read(actorId("a")).catch(() => undefined);
          expect(await rejectionOf(commit(store, mine.sessionId, first(mine)))).toMatchObject(
            refusal,
          );
          expect(await rejectionOf(store.read(actorId("a")))).toMatchObject(refusal);
          expect(await rejectionOf(store.sessions.renew(mine.sessionId, 1_000))).toMatchObject(
            refusal,
          );
        },
        {},
        { queryTimeoutMs: 300 },
      ),
  );

  test.skipIf(absent)(
    "is awaited by a commit that was not sent yet, which then is applied once",
    () =>
      withFaults(async ({ proxy, store, mine }) => {
        proxy.refuse();
        await waitUntil("the connections have ended", () => proxy.connections === 0);
        const reading = store.read(actorId("a"));
        await waitUntil("it is asked for again", () => proxy.refused > 2);
        const committing = commit(store, mine.sessionId, first(mine));
        proxy.heal();
        expect((await reading)?.epoch).toBe(1);
        expect(await committing).toEqual(["committed"]);
      }),
  );

  test.skipIf(absent)(
    "serves again within two seconds of its return, and the health says so",
    async () => {
      const recorded: RecordedHealth[] = [];
      await withFaults(
        async ({ proxy, store, mine }) => {
          const saved = async (revision: number): Promise<boolean> => {
            const one = turn(mine, revision, { change: set(String(revision)) });
            const results = await commit(store, mine.sessionId, one).catch(() => []);
            return results[0] === "committed";
          };
          expect(await saved(0)).toBe(true);
          for (const round of [1, 2, 3]) {
            proxy.refuse();
            await waitUntil("a commit is refused", async () => !(await saved(round)));
            proxy.heal();
            const found = await waitUntil(
              "the store answers",
              async () => {
                const kept = await store.read(actorId("a")).catch(() => undefined);
                return kept?.revision;
              },
              2_000,
            );
            if (found === round) await waitUntil("it takes commits", () => saved(round), 2_000);
          }
          expect(recorded.map(({ health }) => health)).toContain("degraded");
          expect(recorded.at(-1)?.health).toBe("ok");
        },
        {},
        { queryTimeoutMs: 300, report: (health, detail) => void recorded.push({ health, detail }) },
      );
    },
  );
});

describe("an owner that is paused", () => {
  test.skipIf(absent)(
    "between sending and the server changes nothing once another has claimed",
    () =>
      withFaults(async ({ proxy, store, dir, mine }) => {
        await save(store, mine, 0, "mine");
        proxy.hold("up");
        const late = commit(store, mine.sessionId, turn(mine, 1, { change: set("late") }));
        const beside = await openPostgres(backend!, dir);
        try {
          expect(await beside.sessions.fence(mine.sessionId, true)).toBe(true);
          const heir = await openSession(beside, "heir");
          const theirs = await claim(beside, heir.id, actorId("a"));
          expect(theirs.state).toEqual(json("mine"));
          proxy.release("up");
          expect(await late).toEqual(["fenced"]);
          await save(beside, theirs, 1, "theirs");
          expect((await store.read(actorId("a")))?.state).toEqual(json("theirs"));
        } finally {
          await beside.stop?.(signal());
        }
      }),
  );
});

describe("while a row is locked", () => {
  const lockOf = (dir: string, key: string): string =>
    `SELECT 1 FROM "${backend?.schemaOf(dir)}".actors WHERE actor = '\\x${hexOf(key)}' FOR UPDATE`;

  test.skipIf(absent)(
    "leases are renewed though every connection waits, and waiting is bounded",
    () =>
      withFaults(
        async ({ store, dir, mine }) => {
          const other = await claim(store, mine.sessionId, actorId("b"));
          await locking(lockOf(dir, "a"), async () => {
            const waiting = commit(store, mine.sessionId, first(mine));
            const refused = await rejectionOf(commit(store, mine.sessionId, first(other)));
            expect(refused).toMatchObject({
              code: "state.unavailable",
              outcome: "not_applied",
              details: { reason: "STORE_CONNECTIONS" },
            });
            expect(await store.sessions.renew(mine.sessionId, 60_000)).toBe("renewed");
            // The server itself gives up first, so that the outcome is known.
            expect(await rejectionOf(waiting)).toMatchObject({
              code: "state.unavailable",
              outcome: "not_applied",
              details: { reason: "STORE_TIMEOUT" },
            });
          });
          expect(await commit(store, mine.sessionId, first(mine), first(other))).toEqual([
            "committed",
            "committed",
          ]);
        },
        { poolSize: 1, queueTarget: 50 },
        { queryTimeoutMs: 2_000 },
      ),
  );

  test.skipIf(absent)("a deadlock that the server breaks is repeated", () =>
    withFaults(
      async ({ store, dir, mine }) => {
        const [low = "", high = ""] = ["a", "b"].sort((x, y) => (hexOf(x) < hexOf(y) ? -1 : 1));
        const other = await claim(store, mine.sessionId, actorId("b"));
        await locking(lockOf(dir, high), async (sql) => {
          // Who looks for a deadlock first is the one to go: not this one.
          await sql.unsafe("SET LOCAL deadlock_timeout = '60s'");
          const committing = commit(store, mine.sessionId, first(mine), first(other));
          const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${backend?.schemaOf(dir)}%'`;
          await waitUntil(
            "the commit waits",
            async () => (await backend?.edit(waits))?.length === 1,
          );
          // Now each waits for the other.
          await sql.unsafe(lockOf(dir, low));
          await sql.unsafe("ROLLBACK");
          expect(await committing).toEqual(["committed", "committed"]);
        });
        const [row] = (await backend?.edit(
          "SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()",
        )) as [{ n: number }];
        expect(row.n).toBeGreaterThan(0);
      },
      {},
      { queryTimeoutMs: 10_000 },
    ),
  );
});

test.skipIf(absent)("a thousand claims of one actor at once give each epoch once", () =>
  withFaults(
    async ({ store, mine }) => {
      const claims = Array.from({ length: 1_000 }, () =>
        claim(store, mine.sessionId, actorId("hot")),
      );
      const epochs = (await Promise.all(claims)).map(({ epoch }) => epoch);
      expect(new Set(epochs).size).toBe(1_000);
      expect(Math.max(...epochs)).toBe(1_000);
    },
    { poolSize: 20 },
  ),
);

test.skipIf(absent)("a claim that waited for a commit brings its reply", () =>
  withFaults(async ({ store, dir, mine, edit }) => {
    const beside = await openPostgres(backend!, dir);
    try {
      // The commit is held at the server by a lock that its last statement waits for.
      await edit(
        "CREATE FUNCTION @slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END'",
      );
      await edit(
        "CREATE TRIGGER slow AFTER INSERT ON @dedup FOR EACH STATEMENT EXECUTE FUNCTION @slow()",
      );
      await locking("SELECT pg_advisory_xact_lock(4711)", async (sql) => {
        const committing = commit(
          store,
          mine.sessionId,
          turn(mine, 0, { revision: 0, dedup: [dedupOf("late", 0)] }),
        );
        const waits = (n: number) => async () =>
          ((
            await backend?.edit(
              `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${backend.schemaOf(dir)}%'`,
            )
          )?.length ?? 0) === n;
        await waitUntil("the commit waits", waits(1));
        const claiming = claim(beside, mine.sessionId, actorId("a"));
        await waitUntil("the claim waits", waits(2));
        await sql.unsafe("ROLLBACK");
        expect(await committing).toEqual(["committed"]);
        const { epoch, requestIds } = await claiming;
        expect({ epoch, requestIds }).toEqual({ epoch: mine.epoch + 1, requestIds: ["late"] });
      });
    } finally {
      await beside.stop?.(signal());
    }
  }),
);

test.skipIf(absent)(
  "a store that is full refuses commits, serves reads and leases, and heals",
  () =>
    withFaults(async ({ store, mine, edit }) => {
      await edit(
        "CREATE FUNCTION @full() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END$$",
      );
      await edit(
        "CREATE TRIGGER full_disk BEFORE UPDATE ON @actors FOR EACH STATEMENT EXECUTE FUNCTION @full()",
      );
      const refusal = { code: "state.unavailable", outcome: "not_applied" };
      const details = { reason: "STORE_FULL" };
      const error = await rejectionOf(commit(store, mine.sessionId, first(mine)));
      expect(error).toMatchObject({ ...refusal, details });
      expect((await store.read(actorId("a")))?.revision).toBe(0);
      expect(await store.sessions.renew(mine.sessionId, 60_000)).toBe("renewed");
      await edit("DROP TRIGGER full_disk ON @actors");
      expect(await commit(store, mine.sessionId, first(mine))).toEqual(["committed"]);
    }),
);
