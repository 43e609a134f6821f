import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rejectionOf } from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { answersHandshake } from "../../../test/services/handshake.ts";
import { PrivateServer } from "../../../test/services/private-server.ts";
import { SERVICE_KINDS } from "../../../test/services/service-kinds.ts";
import { CertificateAuthority } from "../../../test/support/certificates.ts";
import { mysqlAddress } from "../../../test/support/mysql-databases.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { prepared } from "../kit/sql/dialect.ts";
import type { SqlAddress, SqlError, SqlLimits } from "../kit/sql/sql-client.ts";
import { bunDriver } from "./driver-bun.ts";
import { nodeDriver } from "./driver-node.ts";
import { MysqlClient } from "./mysql-client.ts";

const { clock } = statestoreHost("");
const LIMITS: SqlLimits = {
  poolSize: 4,
  queueTargetMs: 2_000,
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 1_000,
};
const DRIVERS = { bun: bunDriver, mysql2: nodeDriver };
const ONE = prepared("SELECT 1");
const INSERT = prepared("INSERT INTO survivors VALUES ($1)");
const COUNT = prepared("SELECT COUNT(*) FROM survivors");
const signal = () => AbortSignal.timeout(20_000);
const kindOf = async (promise: Promise<unknown>) => ((await rejectionOf(promise)) as SqlError).kind;

/** Inserts 1, 2, 3 … with a few writers until `stop`; says which were acknowledged, and which failed how. */
function keepInserting(client: MysqlClient) {
  const acknowledged: number[] = [];
  const failures: SqlError[] = [];
  let next = 0;
  let isOver = false;
  const write = async () => {
    while (!isOver) {
      next += 1;
      const mine = next;
      await client
        .transaction((runner) => runner.run(INSERT, [mine]))
        .then(
          () => acknowledged.push(mine),
          (error: SqlError) => failures.push(error),
        );
      // A refused connection is refused at once; the loop of events must go on.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const writers = [write(), write(), write(), write()];
  const stop = async () => {
    isOver = true;
    await Promise.all(writers);
  };
  return { acknowledged, failures, stop };
}

for (const kind of SERVICE_KINDS.filter(({ name }) => name === "MariaDB" || name === "MySQL")) {
  const isAbsent = kind.find() === undefined;
  if (isAbsent) process.stdout.write(`skipped: ${kind.name} is not installed\n`);
  describe.skipIf(isAbsent)(`a ${kind.name} of our own`, () => {
    const answers = (url: string) =>
      answersHandshake("127.0.0.1", Number(new URL(url).port), kind.handshake);
    let server: PrivateServer;
    beforeAll(async () => {
      server = await PrivateServer.start(kind, answers);
    }, 90_000);
    afterAll(() => server[Symbol.asyncDispose](), 30_000);

    const open = (driver: keyof typeof DRIVERS, changes: Partial<SqlAddress> = {}, more = {}) =>
      new MysqlClient({
        driver: DRIVERS[driver],
        clock,
        address: { ...mysqlAddress(server.url), ...changes },
        limits: { ...LIMITS, ...more },
      });

    test.each(["bun", "mysql2"] as const)(
      "killed and started again, it is found at once, with all that was acknowledged: %s",
      async (driver) => {
        const client = open(driver);
        await client.open(signal());
        await client.run(prepared("DROP TABLE IF EXISTS survivors"), []);
        const table = "CREATE TABLE survivors (n BIGINT PRIMARY KEY) ENGINE=InnoDB";
        await client.run(prepared(table), []);
        const inserting = keepInserting(client);
        const { acknowledged, failures } = inserting;
        await waitUntil("writes are under way", () => acknowledged.length > 50);
        await server.kill9();
        await waitUntil("the loss is noticed", () => failures.length > 10);
        const before = acknowledged.length;
        await server.restart(answers);
        await waitUntil("writes go on", () => acknowledged.length > before + 50);
        await inserting.stop();
        expect(failures.filter(({ kind: one }) => one !== "lost" && one !== "unreachable")).toEqual(
          [],
        );
        const doubts = failures.filter(({ mayHaveCommitted }) => mayHaveCommitted).length;
        expect(doubts).toBeLessThanOrEqual(LIMITS.poolSize);
        const { rows } = await client.run(COUNT, []);
        expect(Number(rows[0]?.[0])).toBeGreaterThanOrEqual(acknowledged.length);
        expect(Number(rows[0]?.[0])).toBeLessThanOrEqual(acknowledged.length + doubts);
        await client.close();
      },
      60_000,
    );

    test.each(["bun", "mysql2"] as const)(
      "stopped, it keeps nobody waiting; awake again, it is used again: %s",
      async (driver) => {
        const client = open(driver);
        await client.open(signal());
        await client.run(ONE, []);
        server.signal("SIGSTOP");
        try {
          const statement = rejectionOf(client.run(INSERT, [-1]));
          const connecting = kindOf(client.transaction((runner) => runner.run(ONE, [])));
          expect(await statement).toMatchObject({ kind: "timeout", mayHaveCommitted: true });
          expect(["unreachable", "timeout"]).toContain(await connecting);
        } finally {
          server.signal("SIGCONT");
        }
        const served = () =>
          client.run(ONE, []).then(
            ({ rows }) => rows.length === 1,
            () => false,
          );
        expect(await waitUntil("it answers", served)).toBe(true);
        await client.close();
      },
      30_000,
    );

    test("it is spoken to through its socket as well", async () => {
      for (const driver of ["bun", "mysql2"] as const) {
        const address = { host: server.folder, socketPath: join(server.folder, "socket") };
        const client = open(driver, address);
        await client.open(signal());
        expect((await client.run(ONE, [])).rows).toEqual([[1]]);
        await client.close();
        const nobody = open(driver, { ...address, socketPath: join(server.folder, "nowhere") });
        expect(await kindOf(nobody.open(signal()))).toBe("unreachable");
        await nobody.close();
      }
    });

    test.each(["bun", "mysql2"] as const)(
      "with no connection left it is unreachable: %s",
      async (driver) => {
        const small = kind.name === "MariaDB" ? 10 : 4;
        await server.kill9();
        await server.restart(answers, [`--max-connections=${small}`]);
        const client = open(driver, {}, { poolSize: 20 });
        const gate = Promise.withResolvers<void>();
        const results = Array.from({ length: 20 }, () => client.transaction(() => gate.promise));
        const first = await Promise.race(
          results.map((one) => rejectionOf(one).catch(() => undefined)),
        );
        expect(first).toMatchObject({ kind: "unreachable", serverCode: "1040" });
        gate.resolve();
        await Promise.allSettled(results);
        await client.close();
      },
      60_000,
    );

    test("a secure connection is what was asked for, or none", async () => {
      const authority = new CertificateAuthority(server.folder, "authority");
      const { cert, key } = authority.issue("server", "IP:127.0.0.1");
      chmodSync(key, 0o644);
      const tlsCa = readFileSync(authority.pair.cert, "utf8");
      await server.kill9();
      await server.restart(answers, [
        `--ssl-ca=${authority.pair.cert}`,
        `--ssl-cert=${cert}`,
        `--ssl-key=${key}`,
      ]);
      for (const driver of ["bun", "mysql2"] as const) {
        const cipherOf = async (changes: Partial<SqlAddress>) => {
          const client = open(driver, changes);
          try {
            await client.open(signal());
            const found = await client.run(prepared("SHOW SESSION STATUS LIKE 'Ssl_cipher'"), []);
            return found.rows[0]?.[1];
          } finally {
            await client.close();
          }
        };
        expect(await cipherOf({ tls: "off" })).toBe("");
        expect(await cipherOf({ tls: "on" })).toMatch(/AES|CHACHA/);
        expect(await cipherOf({ tls: "verify", tlsCa })).toMatch(/AES|CHACHA/);
        expect(await kindOf(cipherOf({ tls: "verify" }))).toBe("tls");
        expect(await kindOf(cipherOf({ tls: "verify", tlsCa, host: "localhost" }))).toBe("tls");
      }
    }, 60_000);

    test("a server without secure connections is refused, not spoken to in the clear", async () => {
      await server.kill9();
      await server.restart(answers, kind.name === "MariaDB" ? ["--skip-ssl"] : ["--tls-version="]);
      for (const driver of ["bun", "mysql2"] as const) {
        for (const tls of ["on", "verify"] as const) {
          const client = open(driver, { tls });
          expect(await kindOf(client.open(signal()))).toBe("tls");
          await client.close();
        }
      }
    }, 60_000);
  });
}
