import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";
import { rejectionOf } from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { PrivateServer } from "../../../test/services/private-server.ts";
import { SERVICE_KINDS } from "../../../test/services/service-kinds.ts";
import { CertificateAuthority } from "../../../test/support/certificates.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { TcpFaultProxy } from "../../../test/support/tcp-fault-proxy.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { prepared, unprepared } from "../kit/sql/dialect.ts";
import type { SqlAddress, SqlLimits } from "../kit/sql/sql-client.ts";
import { PostgresClient } from "./postgres-client.ts";

const backend = postgresBackend();
const absent = backend === undefined;
const signal = () => AbortSignal.timeout(10_000);
const LIMITS: SqlLimits = {
  poolSize: 2,
  queueTargetMs: 5_000,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
};

function addressOf(url: string, changes: Partial<SqlAddress> = {}): SqlAddress {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    socketPath: "",
    user: username,
    password,
    database: pathname.slice(1),
    tls: "off",
    tlsCa: "",
    ...changes,
  };
}

function clientOf(address: SqlAddress, limits: Partial<SqlLimits> = {}, prepare = true) {
  return new PostgresClient({
    address,
    limits: { ...LIMITS, ...limits },
    clock: statestoreHost("").clock,
    prepare,
    begin: "BEGIN ISOLATION LEVEL READ COMMITTED",
    parameters: { statement_timeout: "4000" },
  });
}

async function withClient(
  body: (client: PostgresClient) => Promise<void>,
  limits: Partial<SqlLimits> = {},
  prepare = true,
): Promise<void> {
  const client = clientOf(addressOf(backend?.url ?? ""), limits, prepare);
  try {
    await body(client);
  } finally {
    await client.close();
  }
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

describe("values", () => {
  test.skipIf(absent).each([true, false])("go in and come out (prepared: %s)", (prepare) =>
    withClient(
      async (client) => {
        const statement = prepared("SELECT $1::bytea, $2::bigint, $3::text, $4::bytea, $5::bigint");
        const big = 2n ** 62n + 1n;
        const { rows } = await client.run(statement, [ALL_BYTES, big, "ä😀'\\", null, 2 ** 53 - 1]);
        const [bytes, integer, text, nothing, safe] = rows[0] ?? [];
        expect(new Uint8Array(bytes as Uint8Array)).toEqual(ALL_BYTES);
        expect([integer, text, nothing, safe]).toEqual([big, "ä😀'\\", null, 2 ** 53 - 1]);
        const view = ALL_BYTES.subarray(10, 20);
        const again = await client.run(statement, [null, null, null, view, 0n]);
        expect(new Uint8Array(again.rows[0]?.[3] as Uint8Array)).toEqual(view.slice());
        expect(again.rows[0]?.[4]).toBe(0);
      },
      {},
      prepare,
    ),
  );

  test.skipIf(absent)("NULL or not, a text is prepared once per connection", () =>
    withClient(async (client) => {
      const statement = prepared("SELECT $1::bytea, $2::bigint");
      for (const bytes of [null, ALL_BYTES])
        for (const integer of [null, 1, 2n]) await client.run(statement, [bytes, integer]);
      const count = unprepared("SELECT count(*) FROM pg_prepared_statements");
      expect((await client.run(count, [])).rows).toEqual([[1]]);
    }),
  );

  test.skipIf(absent)("say how many rows were changed", () =>
    withClient(async (client) => {
      const { rows } = await client.transaction(async (runner) => {
        await runner.run(unprepared("CREATE TEMP TABLE t (a int) ON COMMIT DROP"), []);
        const insert = prepared("INSERT INTO t VALUES ($1), ($2)");
        expect((await runner.run(insert, [1, 2])).changed).toBe(2);
        const update = prepared("UPDATE t SET a = a WHERE a = $1");
        expect((await runner.run(update, [1])).changed).toBe(1);
        expect((await runner.run(update, [3])).changed).toBe(0);
        return await runner.run(unprepared("SELECT a FROM t ORDER BY a"), []);
      });
      expect(rows).toEqual([[1], [2]]);
    }),
  );
});

describe("a transaction", () => {
  const scratch = async (body: (table: string, client: PostgresClient) => Promise<void>) => {
    const table = `client_${process.pid}_${Math.random().toString(36).slice(2)}`;
    await withClient(async (client) => {
      await client.run(unprepared(`CREATE TABLE ${table} (a int PRIMARY KEY)`), []);
      try {
        await body(table, client);
      } finally {
        await client.run(unprepared(`DROP TABLE ${table}`), []);
      }
    });
  };
  const rowsOf = async (client: PostgresClient, table: string) =>
    (await client.run(unprepared(`SELECT a FROM ${table} ORDER BY a`), [])).rows.map(([a]) => a);

  test.skipIf(absent)("keeps all of it or nothing", () =>
    scratch(async (table, client) => {
      const insert = prepared(`INSERT INTO ${table} VALUES ($1)`);
      await client.transaction((runner) => runner.run(insert, [1]));
      const failing = client.transaction(async (runner) => {
        await runner.run(insert, [2]);
        throw new Error("changed my mind");
      });
      expect(String(await rejectionOf(failing))).toContain("changed my mind");
      expect(await rowsOf(client, table)).toEqual([1]);
    }),
  );

  test.skipIf(absent)("fails if a statement of it failed, though nobody minded", () =>
    scratch(async (table, client) => {
      const insert = prepared(`INSERT INTO ${table} VALUES ($1)`);
      const careless = client.transaction(async (runner) => {
        await runner.run(insert, [1]);
        await runner.run(insert, [1]).catch(() => undefined);
        return "done";
      });
      expect(await rejectionOf(careless)).toMatchObject({ kind: "duplicate", serverCode: "23505" });
      expect(await rowsOf(client, table)).toEqual([]);
    }),
  );

  test.skipIf(absent)("runs at READ COMMITTED whatever the default is", () =>
    withClient(async (client) => {
      const { rows } = await client.transaction((runner) =>
        runner.run(unprepared("SHOW transaction_isolation"), []),
      );
      expect(rows).toEqual([["read committed"]]);
    }),
  );
});

describe("failures", () => {
  test.skipIf(absent)("are said in the words of the kit, without values", () =>
    withClient(async (client) => {
      const kindOf = async (text: string, ...values: (string | number)[]) =>
        (await rejectionOf(client.run(unprepared(text), values))) as { kind: string };
      expect(await kindOf("SELECT * FROM troupe_no_such_table")).toMatchObject({ kind: "schema" });
      expect(await kindOf("SELECT no_such_column")).toMatchObject({ kind: "schema" });
      expect(await kindOf("SELEKT 1")).toMatchObject({ kind: "other" });
      const value = await kindOf("SELECT $1::int", "canary");
      expect(value).toMatchObject({ kind: "other", serverCode: "22P02" });
      expect(JSON.stringify(value) + String(value)).not.toContain("canary");
      expect(await kindOf("SELECT pg_sleep(100)")).toMatchObject({
        kind: "timeout",
        serverCode: "57014",
        mayHaveCommitted: false,
      });
      expect((await client.run(unprepared("SELECT 1"), [])).rows).toEqual([[1]]);
    }),
  );

  test.skipIf(absent)("a statement that outlasts its time is cancelled at the server", () =>
    withClient(
      async (client) => {
        const mark = `troupe ${Math.random()}`;
        const slow = client.run(unprepared(`SELECT pg_sleep(60), '${mark}'`), []);
        expect(await rejectionOf(slow)).toMatchObject({ kind: "timeout", mayHaveCommitted: true });
        await waitUntil("the server has stopped", async () => {
          const activity = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND state = 'active' AND pid <> pg_backend_pid()`;
          return (await backend?.edit(activity))?.length === 0;
        });
      },
      { statementTimeoutMs: 200 },
    ),
  );

  test.skipIf(absent)("nobody waits for ever to connect, to be served, or to begin", async () => {
    const silent = await TcpFaultProxy.start("127.0.0.1", Number(new URL(backend?.url ?? "").port));
    silent.hold("down");
    const mute = clientOf(addressOf(silent.urlOf(backend?.url ?? "")), { connectTimeoutMs: 100 });
    expect(await rejectionOf(mute.open(signal()))).toMatchObject({ kind: "unreachable" });
    silent.watch(() => "cut");
    expect(await rejectionOf(mute.open(signal()))).toMatchObject({ kind: "unreachable" });
    const abort = new AbortController();
    const given = mute.open(abort.signal);
    abort.abort();
    expect(await rejectionOf(given)).toMatchObject({ kind: "unreachable" });
    await mute.close();
    await silent[Symbol.asyncDispose]();
    await withClient(
      async (client) => {
        const slow = client.run(unprepared("SELECT pg_sleep(1)"), []);
        const queued = client.run(unprepared("SELECT 1"), []);
        expect(await rejectionOf(queued)).toMatchObject({ kind: "busy", mayHaveCommitted: false });
        const lease = await client.run(unprepared("SELECT 2"), [], "lease");
        expect(lease.rows).toEqual([[2]]);
        await slow;
      },
      { poolSize: 1, queueTargetMs: 50 },
    );
  });

  test.skipIf(absent)("a connection that the server ended is replaced", () =>
    withClient(
      async (client) => {
        const pid = unprepared("SELECT pg_backend_pid()");
        const [[first] = []] = (await client.run(pid, [])).rows;
        await backend?.edit(`SELECT pg_terminate_backend(${Number(first)})`);
        const [second] = await waitUntil("another serves", async () => {
          const { rows } = await client.run(pid, []).catch(() => ({ rows: [] }));
          return rows[0];
        });
        expect(second).not.toBe(first);
      },
      { poolSize: 1 },
    ),
  );

  test.skipIf(absent)(
    "closing ends what is under way and what waits, and may be repeated",
    async () => {
      const client = clientOf(addressOf(backend?.url ?? ""), { poolSize: 1 });
      await client.open(signal());
      const slow = rejectionOf(client.run(unprepared("SELECT pg_sleep(60)"), []));
      const queued = rejectionOf(client.run(unprepared("SELECT 1"), []));
      await client.close();
      await client.close();
      expect(await slow).toMatchObject({ name: "SqlError" });
      expect(await queued).toMatchObject({ kind: "unreachable" });
      expect(await rejectionOf(client.run(unprepared("SELECT 1"), []))).toMatchObject({
        kind: "unreachable",
      });
    },
  );

  test("a port where nobody listens is unreachable", async () => {
    const port = await freePort();
    const client = clientOf(addressOf(`postgres://u:secret@127.0.0.1:${port}/d`));
    const error = await rejectionOf(client.open(signal()));
    expect(error).toMatchObject({ kind: "unreachable", mayHaveCommitted: false });
    expect(String(error)).not.toContain("secret");
    await client.close();
  });
});

const KIND = SERVICE_KINDS.find(({ name }) => name === "PostgreSQL");

test.skipIf(absent || KIND?.find() === undefined)(
  "TLS: the certificate and its name are checked where that is asked for",
  async () => {
    if (KIND === undefined) return;
    using folder = tempDir();
    const authority = new CertificateAuthority(folder.path, "right");
    const other = new CertificateAuthority(folder.path, "wrong");
    const issued = authority.issue("server", "DNS:localhost");
    const answers = async (url: string) => {
      const sql = new SQL(url, { max: 1 });
      try {
        await sql.unsafe("SELECT 1");
        return true;
      } catch {
        return false;
      } finally {
        await sql.close();
      }
    };
    await using server = await PrivateServer.start(KIND, answers);
    const data = join(server.folder, "data");
    const owner = statSync(data);
    for (const [from, name] of [
      [issued.cert, "server.crt"],
      [issued.key, "server.key"],
    ] as const) {
      copyFileSync(from, join(data, name));
      chownSync(join(data, name), owner.uid, owner.gid);
      chmodSync(join(data, name), 0o600);
    }
    const sql = new SQL(server.url, { max: 1 });
    await sql.unsafe("ALTER SYSTEM SET ssl = on");
    await sql.unsafe("SELECT pg_reload_conf()");
    await sql.close();
    const ask = async (changes: Partial<SqlAddress>) => {
      const client = clientOf(addressOf(server.url, changes));
      try {
        const text = "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        const { rows } = await client.run(unprepared(text), []);
        return rows[0]?.[0];
      } catch (error) {
        return (error as { kind: string }).kind;
      } finally {
        await client.close();
      }
    };
    await waitUntil("the server speaks TLS", async () => (await ask({ tls: "on" })) === 1);
    const [right, wrong] = await Promise.all(
      [authority, other].map(({ pair }) => Bun.file(pair.cert).text()),
    );
    const verify = { tls: "verify", host: "localhost" } as const;
    expect(await ask({ ...verify, tlsCa: right ?? "" })).toBe(1);
    expect(await ask({ ...verify, tlsCa: wrong ?? "" })).toBe("tls");
    expect(await ask({ ...verify, tlsCa: "" })).toBe("tls");
    expect(await ask({ ...verify, host: "127.0.0.1", tlsCa: right ?? "" })).toBe("tls");
    expect(await ask({ tls: "off" })).toBe(0);
  },
);
