import { describe, expect, test } from "bun:test";
import type { StatestoreHost } from "../../../src/contract/index.ts";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";
import {
  makePostgres,
  openPostgres,
  postgresOptions,
} from "../../../test/conformance/support/postgres-store.ts";
import {
  actorId,
  claim,
  openSession,
  rejectionOf,
  save,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import postgres, { type PostgresOptions } from "./plugin.ts";

const backend = postgresBackend();
const absent = backend === undefined;
const signal = () => AbortSignal.timeout(30_000);

/** Runs `body` over a folder whose schema has one saved actor. */
async function filled(
  body: (dir: string, edit: (sql: string) => Promise<readonly unknown[]>) => Promise<void>,
): Promise<void> {
  if (backend === undefined) return;
  using folder = tempDir();
  const store = await openPostgres(backend, folder.path);
  const session = await openSession(store);
  await save(store, await claim(store, session.id, actorId("a")), 0, "kept");
  await store.stop?.(signal());
  const schema = backend.schemaOf(folder.path);
  await body(folder.path, (sql) => backend.edit(sql.replaceAll("@", `"${schema}".`)));
}

function start(
  dir: string,
  options: Partial<PostgresOptions> = {},
  host: Partial<StatestoreHost> = {},
) {
  if (backend === undefined) throw new Error("there is no server");
  return openPostgres(backend, dir, options, host);
}

describe.skipIf(absent)("a start is refused", () => {
  test.each([
    [
      "a newer schema",
      "INSERT INTO @troupe_schema VALUES (12, 'x', 'y', 0)",
      "schema_newer",
      78,
      "schema_newer have=1 found=12",
    ],
    ["no table of steps", "DROP TABLE @troupe_schema", "schema_unknown", 65, "schema_unknown"],
    [
      "a missing index",
      "DROP INDEX @outbox_ready",
      "schema_mismatch",
      65,
      "missing index outbox_ready of outbox",
    ],
    [
      "another index of the same name",
      "DROP INDEX @outbox_ready; CREATE INDEX outbox_ready ON @outbox (number)",
      "schema_mismatch",
      65,
      "index outbox_ready of outbox is (number), not (ready_ms, number)",
    ],
    [
      "a missing primary key",
      "ALTER TABLE @seeds DROP CONSTRAINT seeds_pkey",
      "schema_mismatch",
      65,
      "missing index seeds_pkey of seeds",
    ],
    [
      "a missing column",
      "ALTER TABLE @actors DROP COLUMN state_type",
      "schema_mismatch",
      65,
      "missing column actors.state_type",
    ],
    [
      "a column of another type",
      "ALTER TABLE @actors ALTER COLUMN commits TYPE numeric",
      "schema_mismatch",
      65,
      "column actors.commits is numeric not null, not bigint not null",
    ],
    ["a missing table", "DROP TABLE @seeds", "schema_mismatch", 65, "missing column seeds.actor"],
    [
      "a forged step",
      "UPDATE @troupe_schema SET checksum = 'x'",
      "schema_mismatch",
      65,
      "step 1 of the schema differs",
    ],
  ])("over %s, and nothing is written", (_name, sql, reason, exitCode, message) =>
    filled(async (dir, edit) => {
      for (const statement of sql.split("; ")) await edit(statement);
      const left = () => edit("SELECT revision, epoch, xmin::text FROM @actors");
      const before = await left();
      const error = await rejectionOf(start(dir));
      expect(error).toMatchObject({ name: "ServerError", details: { reason, exitCode } });
      expect(String(error)).toContain(message);
      expect(await left()).toEqual(before);
    }),
  );

  test("over the store of another cluster", () =>
    filled(async (dir) => {
      const details = { reason: "cluster_mismatch", exitCode: 78 };
      const error = await rejectionOf(start(dir, {}, { cluster: "other" }));
      expect(error).toMatchObject({ details });
    }));

  test("where nothing may be migrated and steps are missing, naming the command", async () => {
    using folder = tempDir();
    const error = await rejectionOf(start(folder.path, { migrate: "check" }));
    const details = { reason: "schema_old", exitCode: 78, hint: "run: troupe migrate" };
    expect(error).toMatchObject({ details });
    await makePostgres(backend!, folder.path).migrations?.apply(signal());
    await (await start(folder.path, { migrate: "check" })).stop?.(signal());
  });

  test.each([
    ["40 s behind", 40_000],
    ["40 s ahead", -40_000],
  ])("by a clock that is %s", async (_name, aheadMs) => {
    using folder = tempDir();
    const { clock } = statestoreHost(folder.path);
    const host = { clock: { ...clock, wallMs: () => Date.now() + aheadMs } };
    const details = { reason: "clock_skew", exitCode: 69 };
    expect(await rejectionOf(start(folder.path, {}, host))).toMatchObject({ details });
  });

  test("where TLS is asked for and the server has none", async () => {
    using folder = tempDir();
    const details = { reason: "db_tls", exitCode: 69 };
    expect(await rejectionOf(start(folder.path, { ssl: "on" }))).toMatchObject({ details });
    expect(await rejectionOf(start(folder.path, { ssl: "verify" }))).toMatchObject({ details });
  });

  test("where nobody listens, the database is absent, or the user is unknown", async () => {
    using folder = tempDir();
    const at = new URL(backend?.url ?? "");
    at.port = String(await freePort());
    const away = rejectionOf(start(folder.path, { url: at.href, connectTimeout: 200 }));
    const unavailable = { details: { reason: "db_unavailable", exitCode: 69 } };
    expect(await away).toMatchObject(unavailable);
    const login = { details: { reason: "db_login", exitCode: 77 } };
    const absentDatabase = new URL(backend?.url ?? "");
    absentDatabase.pathname = "/troupe_no_such_database";
    expect(await rejectionOf(start(folder.path, { url: absentDatabase.href }))).toMatchObject(
      login,
    );
    const unknownUser = new URL(backend?.url ?? "");
    unknownUser.username = "troupe_nobody";
    unknownUser.password = "hunter2";
    const refused = await rejectionOf(start(folder.path, { url: unknownUser.href }));
    expect(refused).toMatchObject(login);
    expect(JSON.stringify(refused) + String(refused)).not.toContain("hunter2");
  });
});

/** A role of the server with a password, that is dropped afterwards. */
async function withRole(
  settings: string,
  body: (url: string, role: string) => Promise<void>,
): Promise<void> {
  if (backend === undefined) return;
  const role = `troupe_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await backend.edit(`CREATE ROLE ${role} LOGIN PASSWORD 'p' ${settings}`);
  const url = new URL(backend.url);
  url.username = role;
  url.password = "p";
  try {
    await body(url.href, role);
  } finally {
    await backend.edit(`DROP OWNED BY ${role}`);
    await backend.edit(`DROP ROLE ${role}`);
  }
}

describe("a user", () => {
  test.skipIf(absent)("that may not make tables is refused with 77", async () => {
    using folder = tempDir();
    await withRole("", async (url) => {
      const details = { reason: "db_permission", exitCode: 77 };
      expect(await rejectionOf(start(folder.path, { url }))).toMatchObject({ details });
    });
  });

  test.skipIf(absent)("needs no more than the rows of a schema that is there", () =>
    filled(async (dir, edit) => {
      const schema = backend?.schemaOf(dir);
      await withRole("", async (url, role) => {
        await edit(`GRANT USAGE ON SCHEMA "${schema}" TO ${role}`);
        const rows = "SELECT, INSERT, UPDATE, DELETE";
        await edit(`GRANT ${rows} ON ALL TABLES IN SCHEMA "${schema}" TO ${role}`);
        const store = await start(dir, { url, migrate: "check" });
        const session = await openSession(store);
        await save(store, await claim(store, session.id, actorId("b")), 0, "kept");
        await store.stop?.(signal());
        await edit(`REVOKE INSERT, DELETE ON @dedup FROM ${role}`);
        const error = await rejectionOf(start(dir, { url, migrate: "check" }));
        const details = { reason: "db_permission", exitCode: 77 };
        expect(error).toMatchObject({ details });
        expect(String(error)).toContain("INSERT on dedup, DELETE on dedup");
      });
    }),
  );

  test.skipIf(absent)("whose commits are not durable is refused, unless that is accepted", () =>
    filled(async (dir) => {
      await withRole("SUPERUSER", async (url, role) => {
        await backend?.edit(`ALTER ROLE ${role} SET synchronous_commit = off`);
        const error = await rejectionOf(start(dir, { url }));
        const details = { reason: "unsafe_durability", exitCode: 78 };
        expect(error).toMatchObject({ details });
        expect(String(error)).toContain("synchronous_commit=off");
        const said: string[] = [];
        const gauges = new Map<string, number>();
        const { log, meter } = statestoreHost(dir);
        const store = await start(
          dir,
          { url },
          {
            acceptUnsafeDurability: true,
            log: { ...log, warn: (event) => void said.push(event) },
            meter: { ...meter, gauge: (name, value) => void gauges.set(name, value) },
          },
        );
        await store.stop?.(signal());
        expect(said).toEqual(["the database may lose committed turns, which was accepted"]);
        expect(gauges.get("unsafe_durability")).toBe(1);
      });
    }),
  );

  test.skipIf(absent)("has READ COMMITTED whatever its default is", () =>
    filled(async (dir) => {
      await withRole("SUPERUSER", async (url, role) => {
        const level = "ALTER ROLE @ SET default_transaction_isolation = 'serializable'";
        await backend?.edit(level.replace("@", role));
        await (await start(dir, { url })).stop?.(signal());
        const error = await rejectionOf(start(dir, { url, prepare: false }));
        expect(error).toMatchObject({ details: { reason: "db_refused", exitCode: 78 } });
        expect(String(error)).toContain("default_transaction_isolation");
      });
    }),
  );
});

describe("a start", () => {
  test.skipIf(absent)("warns of a clock that differs by more than a second", () =>
    filled(async (dir) => {
      const said: string[] = [];
      const { clock, log } = statestoreHost(dir);
      const store = await start(
        dir,
        {},
        {
          clock: { ...clock, wallMs: () => Date.now() - 5_000 },
          log: { ...log, warn: (event) => void said.push(event) },
        },
      );
      await store.stop?.(signal());
      expect(said).toEqual(["the database's clock differs from this node's"]);
    }),
  );

  test.skipIf(absent)(
    "of many nodes on nothing leaves one schema, which all of them find",
    async () => {
      using folder = tempDir();
      const stores = await Promise.all(Array.from({ length: 6 }, () => start(folder.path)));
      const sessions = await Promise.all(
        stores.map((store, index) => openSession(store, `node-${index}`)),
      );
      expect(new Set(sessions.map(({ id }) => id)).size).toBe(6);
      await Promise.all(stores.map((store) => store.stop?.(signal())));
    },
  );

  test.skipIf(absent)("serves without prepared statements too", () =>
    filled(async (dir) => {
      const store = await start(dir, { prepare: false });
      const session = await openSession(store, "unprepared");
      expect(await store.sessions.fence(session.id - 1, true)).toBe(true);
      const mine = await claim(store, session.id, actorId("a"));
      await save(store, mine, mine.revision, "once more");
      await store.stop?.(signal());
    }),
  );

  test.skipIf(absent)(
    "that never was lets a stop be, and calls are refused before and after",
    async () => {
      using folder = tempDir();
      const store = makePostgres(backend!, folder.path);
      await store.stop?.(signal());
      const refusal = { code: "state.unavailable", outcome: "not_applied" };
      expect(await rejectionOf(store.read(actorId("a")))).toMatchObject(refusal);
      await store.start?.(signal());
      const session = await openSession(store);
      await claim(store, session.id, actorId("a"));
      const last = store.read(actorId("a"));
      await store.stop?.(signal());
      expect((await last)?.epoch).toBe(1);
      expect(await rejectionOf(store.read(actorId("a")))).toMatchObject(refusal);
      expect(await rejectionOf(store.commit({ sessionId: 1, commits: [] }))).toMatchObject(refusal);
    },
  );
});

test.each(["Public", "a-b", "", "x; DROP TABLE actors", "1a"])(
  "a schema of the name %s is refused",
  (schema) => {
    const options = postgresOptions("postgres://u@127.0.0.1/d", schema);
    expect(() => postgres.create(options, statestoreHost(""))).toThrow("schema must be");
  },
);
