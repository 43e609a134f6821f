import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { rejectionOf } from "../../../test/conformance/support/statestore-fixture.ts";
import {
  asRoot,
  mysqlAddress,
  mysqlDatabase,
  mysqlServers,
} from "../../../test/support/mysql-databases.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { PluginClock } from "../../../src/contract/index.ts";
import { prepared, unprepared } from "../kit/sql/dialect.ts";
import type { SqlAddress, SqlLimits, SqlValue } from "../kit/sql/sql-client.ts";
import { bunDriver } from "./driver-bun.ts";
import { nodeDriver } from "./driver-node.ts";
import { MysqlClient } from "./mysql-client.ts";

const { clock } = statestoreHost("");
const LIMITS: SqlLimits = {
  poolSize: 4,
  queueTargetMs: 5_000,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
};
const DRIVERS = { bun: bunDriver, mysql2: nodeDriver };
const signal = () => AbortSignal.timeout(10_000);

interface Subject {
  readonly client: MysqlClient;
  /** Another client of the same driver. */
  another(
    address: Partial<SqlAddress>,
    limits?: Partial<SqlLimits>,
    clock?: PluginClock,
  ): MysqlClient;
  run(text: string, ...values: SqlValue[]): ReturnType<MysqlClient["run"]>;
  readonly url: string;
  readonly address: SqlAddress;
}

function fidelityTests(subject: Subject): void {
  const { run } = subject;
  const TABLE = `CREATE TABLE fidelity (id BINARY(32) PRIMARY KEY, n BIGINT, small VARBINARY(255),
    large LONGBLOB, words LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) ENGINE=InnoDB`;
  beforeAll(async () => {
    await run(TABLE);
  });

  test("bytes come back as they went, whatever is in them and wherever they lie", async () => {
    const space = new Uint8Array(5 * 1024 * 1024 + 100).map((_, index) => index * 31);
    const large = space.subarray(37, 37 + 5 * 1024 * 1024);
    const identity = new Uint8Array(32);
    const small = Uint8Array.of(0, 39, 92, 0, 255, 0xc3, 0x28);
    await run("INSERT INTO fidelity VALUES ($1, $2, $3, $4, $5)", identity, 1, small, large, "x");
    const { rows } = await run("SELECT id, small, large FROM fidelity WHERE id = $1", identity);
    expect(rows).toHaveLength(1);
    const [foundId, foundSmall, foundLarge] = rows[0] ?? [];
    expect(foundId).toEqual(identity);
    expect(foundSmall).toEqual(small);
    expect(Buffer.from(foundLarge as Uint8Array).equals(large)).toBe(true);
    expect(foundLarge?.constructor).toBe(Uint8Array);
    await run("UPDATE fidelity SET small = $1, large = $2", new Uint8Array(0), null);
    const after = await run("SELECT small, large FROM fidelity");
    expect(after.rows).toEqual([[new Uint8Array(0), null]]);
  });

  test("text comes back as it went, and integers are exact", async () => {
    const words = "a'b\\ \u{1F600} \uFFFD é";
    await run("UPDATE fidelity SET words = $1", words);
    expect((await run("SELECT words FROM fidelity WHERE words = $1", words)).rows).toEqual([
      [words],
    ]);
    const numbers = [0, -1, 2 ** 31, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
    for (const number of numbers) {
      expect((await run("UPDATE fidelity SET n = $1", number)).changed).toBe(1);
      for (const text of ["SELECT n FROM fidelity WHERE n = $1", "SELECT n FROM fidelity"]) {
        const values = text.includes("$1") ? [number] : [];
        const found = (await run(text, ...values)).rows[0]?.[0];
        expect(BigInt(found as bigint)).toBe(BigInt(number));
        if (typeof found === "number") expect(Number.isSafeInteger(found)).toBe(true);
      }
    }
  });

  test("a value that is named twice is bound twice, and in the order of the text", async () => {
    const { rows } = await run("SELECT $2, $1, $2 FROM fidelity WHERE 1 = $3 LIMIT $3", 7, "b", 1);
    expect(rows).toEqual([["b", 7, "b"]]);
  });

  test("what is changed is counted, not what is found", async () => {
    await run("UPDATE fidelity SET n = 1");
    expect((await run("UPDATE fidelity SET n = 1")).changed).toBe(0);
    const set = "UPDATE fidelity SET n = $1 WHERE n = $2";
    expect((await run(set, 2, 1)).changed).toBe(1);
    expect((await run(set, 2, 1)).changed).toBe(0);
    const lost = `INSERT INTO fidelity (id, n) VALUES ($1, $2)
      ON DUPLICATE KEY UPDATE n = IF(n = VALUES(n) - 1, VALUES(n), n)`;
    expect((await run(lost, new Uint8Array(32), 9)).changed).toBe(0);
    expect((await run("SELECT n FROM fidelity")).rows).toEqual([[2]]);
  });

  test("more texts than a connection keeps prepared are no trouble", async () => {
    for (let index = 0; index < 600; index++) {
      const { rows } = await run(`SELECT $1 + ${index}`, 1n);
      expect(Number(rows[0]?.[0])).toBe(index + 1);
    }
    const [status] = await asRoot(subject.url, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
    expect(Number(status?.[1])).toBeLessThan(6_000);
  });
}

function sessionTests(subject: Subject): void {
  test("every connection is strict, in UTC, reads what is committed, in the right characters", async () => {
    const texts = ["@@sql_mode", "@@time_zone", "@@collation_connection", "@@wait_timeout"];
    const found = await subject.run(`SELECT ${texts.join(", ")}`);
    expect(found.rows[0]?.[0]).toContain("STRICT_ALL_TABLES");
    expect(found.rows[0]?.slice(1)).toEqual(["+00:00", "utf8mb4_bin", 20]);
    const variables = await subject.run("SHOW VARIABLES WHERE variable_name LIKE 't%_isolation'");
    expect(variables.rows.map((row) => row[1])).toContain("READ-COMMITTED");
    const tooLong = "INSERT INTO fidelity (id, small) VALUES ('x', REPEAT('x', 256))";
    expect(await rejectionOf(subject.run(tooLong))).toMatchObject({ serverCode: "1406" });
  });

  test("what a transaction did is there afterwards, or not at all", async () => {
    const { client, run } = subject;
    const insert = prepared("INSERT INTO tx VALUES ($1)");
    await run("CREATE TABLE tx (n BIGINT PRIMARY KEY) ENGINE=InnoDB");
    const sum = await client.transaction(async (runner) => {
      await Promise.all([runner.run(insert, [1]), runner.run(insert, [2])]);
      return (await runner.run(prepared("SELECT CAST(SUM(n) AS SIGNED) FROM tx"), [])).rows[0]?.[0];
    });
    expect(Number(sum)).toBe(3);
    const failure = await rejectionOf(
      client.transaction(async (runner) => {
        await runner.run(insert, [3]);
        throw new Error("changed my mind");
      }),
    );
    expect(failure).toHaveProperty("message", "changed my mind");
    const twice = await rejectionOf(
      client.transaction(async (runner) => {
        await runner.run(insert, [4]);
        await runner.run(insert, [4]);
      }),
    );
    expect(twice).toMatchObject({ kind: "duplicate", mayHaveCommitted: false });
    expect(String(twice)).not.toContain("'4'");
    expect((await run("SELECT n FROM tx ORDER BY n")).rows).toEqual([[1], [2]]);
    expect((await run("INSERT INTO tx VALUES (5)")).changed).toBe(1);
    await Promise.all(Array.from({ length: 8 }, (_, n) => run("DELETE FROM tx WHERE n = $1", n)));
  });

  test("deadlocks ask to be repeated, and nothing of the loser stays", async () => {
    const { client, run } = subject;
    await run("DELETE FROM tx");
    await run("INSERT INTO tx VALUES (100), (200)");
    const touch = prepared("UPDATE tx SET n = n + 1 WHERE n = $1");
    const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const attempt = (first: number, second: number, own: number) =>
      client.transaction(async (runner) => {
        await runner.run(touch, [first]);
        met[own]?.resolve();
        await met[1 - own]?.promise;
        // A body that swallows the failure must not commit the half.
        await runner.run(touch, [second]).catch(() => undefined);
      });
    const results = await Promise.allSettled([attempt(100, 200, 0), attempt(200, 100, 1)]);
    const lost = results.filter((result) => result.status === "rejected");
    expect(lost).toHaveLength(1);
    expect(lost[0]?.reason).toMatchObject({ kind: "retry", mayHaveCommitted: false });
    const { rows } = await run("SELECT n FROM tx ORDER BY n");
    expect(rows).toEqual([[101], [201]]);
  });
}

function failureTests(subject: Subject): void {
  test.each([
    ["SELECT 1 FROM nowhere WHERE 1 = $1", "schema", "1146"],
    ["SELECT nothing FROM tx WHERE 1 = $1", "schema", "1054"],
    ["SELEC $1", "other", "1064"],
  ])("%p is %p", async (text, kind, serverCode) => {
    const failure = await rejectionOf(subject.run(text, "secret value"));
    expect(failure).toMatchObject({ kind, serverCode, mayHaveCommitted: false });
    expect(String(failure)).not.toContain("secret value");
  });

  test("a value is not told with the failure", async () => {
    await subject.run("CREATE TABLE keyed (k VARBINARY(50) PRIMARY KEY, n TINYINT) ENGINE=InnoDB");
    const insert = "INSERT INTO keyed VALUES ($1, $2)";
    await subject.run(insert, "secret value", 1);
    for (const [key, number] of [
      ["secret value", 1],
      ["secret value".repeat(9), 1],
      ["k", 77_777],
    ] as const) {
      const failure = await rejectionOf(subject.run(insert, key, number));
      expect(Bun.inspect(failure)).not.toMatch(/secret value|77777/);
    }
  });

  test("who may not log in is told so, without the password", async () => {
    const wrong = subject.another({ user: "nobody", password: "hunter2" });
    const failure = await rejectionOf(wrong.open(signal()));
    expect(failure).toMatchObject({ kind: "login", serverCode: "1045" });
    expect(Bun.inspect(failure)).not.toContain("hunter2");
    const nowhere = subject.another({ database: "no_such_database" });
    expect(await rejectionOf(nowhere.open(signal()))).toMatchObject({ kind: "login" });
    await wrong.close();
    await nowhere.close();
  });

  test("who may not do something is told so", async () => {
    const { database } = subject.address;
    const user = database.slice(-20);
    const made = `CREATE USER '${user}'@'%' IDENTIFIED BY 'pass word'`;
    await asRoot(subject.url, made, `GRANT SELECT ON ${database}.tx TO '${user}'@'%'`);
    const reader = subject.another({ user, password: "pass word" });
    try {
      await reader.open(signal());
      expect((await reader.run(prepared("SELECT COUNT(*) FROM tx"), [])).rows).toHaveLength(1);
      const failure = await rejectionOf(reader.run(prepared("DELETE FROM tx"), []));
      expect(failure).toMatchObject({ kind: "permission", mayHaveCommitted: false });
    } finally {
      await reader.close();
      await asRoot(subject.url, `DROP USER '${user}'@'%'`);
    }
  });

  test("nobody there, nobody answering, and a secure connection that is not to be had", async () => {
    const closed = subject.another({ port: 1 });
    expect(await rejectionOf(closed.open(signal()))).toMatchObject({ kind: "unreachable" });
    using silent = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => undefined },
    });
    const mute = subject.another({ port: silent.port }, { connectTimeoutMs: 300 });
    expect(await rejectionOf(mute.open(signal()))).toMatchObject({ kind: "unreachable" });
    const aborted = subject.another({ port: silent.port });
    const never = AbortSignal.timeout(100);
    expect(await rejectionOf(aborted.open(never))).toBeDefined();
    await Promise.all([closed.close(), mute.close(), aborted.close()]);
  });
}

function boundTests(subject: Subject): void {
  test("a statement that takes too long is given up, and its connection is not used again", async () => {
    const hasty = subject.another({}, { statementTimeoutMs: 1_000, poolSize: 1 });
    const slow = await rejectionOf(hasty.run(prepared("DELETE FROM tx WHERE SLEEP(30) = 9"), []));
    expect(slow).toMatchObject({ name: "SqlError" });
    expect(["timeout", "retry"]).toContain((slow as { readonly kind: string }).kind);
    expect((await hasty.run(prepared("SELECT 1"), [])).rows).toEqual([[1]]);
    await hasty.close();
  });

  test("who waits for a lock is told to repeat", async () => {
    const hasty = subject.another({}, { statementTimeoutMs: 2_000 });
    await subject.run("DELETE FROM tx");
    await subject.run("INSERT INTO tx VALUES (1)");
    await subject.client.transaction(async (runner) => {
      await runner.run(prepared("UPDATE tx SET n = 2"), []);
      const failure = await rejectionOf(hasty.run(prepared("UPDATE tx SET n = 3"), []));
      expect(failure).toMatchObject({ kind: "retry", serverCode: "1205" });
    });
    await hasty.close();
  });

  test("a busy pool makes callers wait, but not for ever; the lease has its own connection", async () => {
    const small = subject.another({}, { poolSize: 2, queueTargetMs: 200 });
    const gate = Promise.withResolvers<void>();
    const holders = [1, 2].map(() => small.transaction(() => gate.promise));
    const one = prepared("SELECT 1");
    const failure = await rejectionOf(small.run(one, []));
    expect(failure).toMatchObject({ kind: "busy", mayHaveCommitted: false });
    expect((await small.run(one, [], "lease")).rows).toEqual([[1]]);
    const waiting = small.run(one, []);
    gate.resolve();
    expect((await waiting).rows).toEqual([[1]]);
    await Promise.all(holders);
    const many = Array.from({ length: 50 }, () => small.run(one, []));
    expect((await Promise.all(many)).every(({ rows }) => rows.length === 1)).toBe(true);
    await small.close();
  });

  test("a connection that the server ends while it is idle is replaced", async () => {
    const small = subject.another({}, { poolSize: 1 });
    const idOf = async () => {
      const { rows } = await small.run(prepared("SELECT CONNECTION_ID()"), []);
      return Number(rows[0]?.[0]);
    };
    const first = await idOf();
    await small.run(unprepared("SET SESSION wait_timeout = 1"), []);
    // There is no statement to end, but the server says whether there is such a connection.
    const isGone = () =>
      asRoot(subject.url, `KILL QUERY ${first}`).then(
        () => false,
        () => true,
      );
    await waitUntil("the server ends it", isGone);
    expect(await idOf()).toBeGreaterThan(first);
    await small.close();
  });

  test("a connection that has been idle for long is not trusted", async () => {
    let aheadMs = 0;
    const later = { ...clock, now: () => clock.now() + aheadMs };
    const client = subject.another({}, { poolSize: 1 }, later);
    const idOf = async () =>
      (await client.run(prepared("SELECT CONNECTION_ID()"), [])).rows[0]?.[0];
    const first = await idOf();
    aheadMs += 9_000;
    expect(await idOf()).toBe(first);
    aheadMs += 11_000;
    expect(await idOf()).not.toBe(first);
    await client.close();
  });

  test("what is under way when the client closes is rejected, and so is what comes later", async () => {
    const client = subject.another({}, { poolSize: 1 });
    await client.open(signal());
    const slow = rejectionOf(client.run(prepared("SELECT SLEEP(20)"), []));
    const waiting = rejectionOf(client.run(prepared("SELECT 1"), []));
    await client.run(prepared("SELECT 1"), [], "lease");
    await client.close();
    expect(await slow).toMatchObject({ name: "SqlError" });
    expect(await waiting).toMatchObject({ kind: "unreachable" });
    expect(await rejectionOf(client.run(prepared("SELECT 1"), []))).toMatchObject({
      kind: "unreachable",
    });
  });
}

for (const { name: serverName, url } of mysqlServers()) {
  if (url === undefined) continue;
  for (const [driverName, driver] of Object.entries(DRIVERS)) {
    const database = await mysqlDatabase(url);
    describe(`${serverName} through ${driverName}`, () => {
      const address = mysqlAddress(url, database.name);
      const made: MysqlClient[] = [];
      const another: Subject["another"] = (changes, limits = {}, time = clock) => {
        const plan = { driver, clock: time, address: { ...address, ...changes } };
        const client = new MysqlClient({ ...plan, limits: { ...LIMITS, ...limits } });
        made.push(client);
        return client;
      };
      const client = another({});
      const run = (text: string, ...values: SqlValue[]) => client.run(prepared(text), values);
      afterAll(async () => {
        for (const one of made) await one.close();
        await database[Symbol.asyncDispose]();
      });
      const subject: Subject = { client, another, run, url, address };
      fidelityTests(subject);
      sessionTests(subject);
      failureTests(subject);
      boundTests(subject);
    });
  }
}
