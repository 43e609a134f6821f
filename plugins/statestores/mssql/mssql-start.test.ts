import { describe, expect, test } from "bun:test";
import type { StatestoreHost } from "../../../src/contract/index.ts";
import { rejectionOf } from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { defaultOptions } from "../../../test/support/tds/mssql-options.ts";
import { MssqlStage } from "../../../test/support/tds/mssql-store.ts";
import type { TsqlFacts } from "../../../test/support/tds/tsql-database.ts";
import mssql, { type MssqlOptions } from "./plugin.ts";

const signal = () => AbortSignal.timeout(10_000);

/** What a start was refused with. */
async function refusal(
  stage: MssqlStage,
  options: Partial<MssqlOptions> = {},
  host: Partial<StatestoreHost> = {},
): Promise<unknown> {
  return await rejectionOf(stage.open({ connectTimeout: 300, ...options }, host));
}

const withExit = (reason: string, exitCode: number) => ({ details: { reason, exitCode } });

describe("a server is refused", () => {
  test.each<[string, Partial<TsqlFacts>, string, number]>([
    ["of 2017", { version: "14.0.3456.2" }, "db_refused", 78],
    ["that is read-only", { isReadOnly: true }, "db_refused", 78],
    ["that answers before it wrote", { delayedDurability: "FORCED" }, "unsafe_durability", 78],
    ["whose clock is far off", { skewMs: 3_600_000 }, "clock_skew", 69],
  ])("%s", async (_name, facts, reason, exitCode) => {
    await using stage = await MssqlStage.start();
    stage.database.facts = { ...stage.database.facts, ...facts };
    expect(await refusal(stage)).toMatchObject(withExit(reason, exitCode));
    expect(stage.database.rows("SELECT name FROM sqlite_schema")).toEqual([]);
  });

  test.each<[string, Partial<TsqlFacts>, Partial<StatestoreHost>]>([
    ["Azure SQL, whatever its version", { version: "12.0.2000.8", engineEdition: 5 }, {}],
    ["a loss that was accepted", { delayedDurability: "FORCED" }, { acceptUnsafeDurability: true }],
    ["commits that may be lazy if asked", { delayedDurability: "ALLOWED" }, {}],
  ])("but not %s", async (_name, facts, host) => {
    await using stage = await MssqlStage.start();
    stage.database.facts = { ...stage.database.facts, ...facts };
    const store = await stage.open({}, host);
    expect(await store.describe()).toContain("SQL Server 1");
  });

  test("where nobody listens", async () => {
    await using stage = await MssqlStage.start();
    const url = `mssql://sa:secret@127.0.0.1:${await freePort()}/actors`;
    const found = await refusal(stage, { url });
    expect(found).toMatchObject(withExit("db_unavailable", 69));
    expect(String(found)).not.toContain("secret");
  });

  test("that refuses the login", async () => {
    await using stage = await MssqlStage.start();
    await stage.server.double.stop();
    await stage.server.start({ refuse: () => ({ number: 18_456, message: "Login failed" }) });
    expect(await refusal(stage)).toMatchObject(withExit("db_login", 77));
  });

  test("that has no TLS where it is wanted", async () => {
    await using stage = await MssqlStage.start();
    expect(await refusal(stage, { ssl: "on" })).toMatchObject(withExit("db_tls", 69));
  });
});

describe("a schema", () => {
  test("is made once, whoever comes first", async () => {
    await using stage = await MssqlStage.start();
    await Promise.all([stage.open(), stage.open(), stage.open()]);
    expect(stage.database.rows("SELECT version FROM troupe_schema")).toEqual([[1n]]);
  });

  test("is left alone where that is asked for, and taken by command", async () => {
    await using stage = await MssqlStage.start();
    expect(await refusal(stage, { migrate: "check" })).toMatchObject(withExit("schema_old", 78));
    const store = stage.make({ migrate: "check" });
    expect(await store.migrations?.plan(signal())).toMatchObject({ have: 0, want: 1 });
    expect(await store.migrations?.apply(signal())).toMatchObject([{ version: 1 }]);
    expect(await store.migrations?.plan(signal())).toMatchObject({ have: 1, pending: [] });
    await store.start?.(signal());
  });

  test.each([
    [
      "of a newer binary",
      "INSERT INTO troupe_schema VALUES (9, x'61', x'62', 0)",
      "schema_newer",
      78,
    ],
    ["with another step", "UPDATE troupe_schema SET checksum = x'00'", "schema_mismatch", 65],
    [
      "of another cluster",
      "UPDATE meta SET value = x'00' WHERE name = CAST('cluster' AS BLOB)",
      "cluster_mismatch",
      78,
    ],
  ])("%s is refused", async (_name, edit, reason, exitCode) => {
    await using stage = await MssqlStage.start();
    await stage.open();
    stage.database.run(edit);
    expect(await refusal(stage)).toMatchObject(withExit(reason, exitCode));
  });

  test.each([
    [
      "an index is missing",
      "DROP INDEX outbox_ready ON outbox",
      "missing index outbox_ready of outbox",
    ],
    ["a column is missing", "ALTER TABLE actors DROP COLUMN tags", "missing column actors.tags"],
  ])("of which %s is refused", async (_name, edit, said) => {
    await using stage = await MssqlStage.start();
    await stage.open();
    stage.database.define(edit);
    const found = await refusal(stage);
    expect(found).toMatchObject(withExit("schema_mismatch", 65));
    expect(String(found)).toContain(said);
  });

  test("that the user may not write to is refused, table by table", async () => {
    await using stage = await MssqlStage.start();
    await stage.open();
    stage.database.intercept = (request) =>
      request.kind === "statement" &&
      /^UPDATE dbo\.(?:outbox|actors) .* WHERE 1 = 0/.test(request.text)
        ? { kind: "error", number: 229, message: "The UPDATE permission was denied" }
        : undefined;
    const found = await refusal(stage);
    expect(found).toMatchObject(withExit("db_permission", 77));
    expect(String(found)).toContain("UPDATE on actors, UPDATE on outbox");
  });
});

describe("options are refused", () => {
  const create = (options: Partial<MssqlOptions>) => () =>
    mssql.create({ ...defaultOptions(), ...options }, statestoreHost(""));

  test.each<[string, Partial<MssqlOptions>, string]>([
    ["a list of keywords", { url: "Server=db;Password=hunter2;Database=a" }, "keywords and values"],
    ["keywords behind a host", { url: "sqlserver://db;password=hunter2" }, "keywords and values"],
    ["another scheme", { url: "postgres://sa:hunter2@db/a" }, "mssql://"],
    ["no database", { url: "mssql://sa:hunter2@127.0.0.1" }, "no database"],
    ["a socket", { host: "/run/mssql", database: "a" }, "no Unix socket"],
    ["a connection in the clear", { url: "mssql://sa:hunter2@db/a?encrypt=false" }, "in the clear"],
    ["a schema with a quote", { url: "mssql://127.0.0.1/a", schema: "a'b" }, "schema must be"],
  ])("%s", (_name, options, said) => {
    expect(create(options)).toThrow(said);
    expect(create(options)).not.toThrow("hunter2");
  });

  test.each<[string, Partial<MssqlOptions>]>([
    ["a URL", { url: "mssql://sa:p%40ss@db.example:1444/a" }],
    [
      "a URL in the clear where that is allowed",
      { url: "sqlserver://db/a?encrypt=false", allowInsecure: true },
    ],
    ["parts", { host: "db.example", database: "a", user: "u", password: "p" }],
  ])("but not %s", (_name, options) => {
    expect(create(options)).not.toThrow();
  });
});
