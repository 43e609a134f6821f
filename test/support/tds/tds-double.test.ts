import { describe, expect, test } from "bun:test";
import { Connection, type ConnectionOptions, Request, TYPES } from "tedious";
import { TdsDouble } from "./tds-double.ts";
import type { TdsAnswer, TdsHandler, TdsOptions } from "./tds-handler.ts";
import type { TdsRequest, TdsValue } from "./tds-requests.ts";
import type { TdsColumn, TdsColumnType } from "./tds-tokens.ts";

/*
 * The double speaks as the library expects: what either side sends, the other reads.
 */

async function withLibrary(
  handler: TdsHandler,
  body: (connection: Connection, double: TdsDouble) => Promise<void>,
  options: TdsOptions = {},
  configured: ConnectionOptions = {},
): Promise<void> {
  await using double = await TdsDouble.start(handler, options);
  const connection = new Connection({
    server: "127.0.0.1",
    authentication: { type: "default", options: { userName: "user", password: "secret ☃" } },
    options: { port: double.port, database: "name of it", encrypt: false, ...configured },
  });
  connection.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  try {
    await body(connection, double);
  } finally {
    connection.close();
  }
}

interface Answered {
  readonly rows: readonly (readonly unknown[])[];
  readonly counts: readonly (number | undefined)[];
}

function ask(
  connection: Connection,
  text: string,
  prepare: (request: Request) => void = () => undefined,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const rows: unknown[][] = [];
    const counts: (number | undefined)[] = [];
    const request = new Request(text, (error) =>
      error ? reject(error) : resolve({ rows, counts }),
    );
    request.on("row", (columns: readonly { readonly value: unknown }[]) =>
      rows.push(columns.map(({ value }) => value)),
    );
    request.on("doneInProc", (count) => counts.push(count));
    prepare(request);
    connection.execSql(request);
  });
}

const nothing: TdsAnswer = { kind: "results", results: [] };
const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => at & 0xff));
const LONG_TEXT = "ä☃😀".repeat(5_000);

describe("what the library sends is read", () => {
  const parameters: [string, (typeof TYPES)[keyof typeof TYPES], unknown, TdsValue][] = [
    ["bigint", TYPES.BigInt, "9007199254740993", 9_007_199_254_740_993n],
    ["least bigint", TYPES.BigInt, "-9223372036854775808", -(2n ** 63n)],
    ["int", TYPES.Int, -7, -7n],
    ["binary", TYPES.Binary, bytes(32), new Uint8Array(bytes(32))],
    ["varbinary", TYPES.VarBinary, bytes(300), new Uint8Array(bytes(300))],
    ["varbinary(max)", TYPES.VarBinary, bytes(20_000), new Uint8Array(bytes(20_000))],
    ["varchar", TYPES.VarChar, "plain", "plain"],
    ["nvarchar", TYPES.NVarChar, "ä☃😀", "ä☃😀"],
    ["nvarchar(max)", TYPES.NVarChar, LONG_TEXT, LONG_TEXT],
    ["null bigint", TYPES.BigInt, null, null],
    ["null varbinary", TYPES.VarBinary, null, null],
    ["null nvarchar", TYPES.NVarChar, null, null],
  ];
  test.each(parameters)("%s", async (_name, type, value, expected) => {
    const seen: TdsRequest[] = [];
    await withLibrary(
      (request) => {
        seen.push(request);
        return nothing;
      },
      async (connection) => {
        await ask(connection, "SELECT @a, @b", (request) => {
          request.addParameter("a", type, value);
          request.addParameter("b", TYPES.BigInt, 1);
        });
      },
    );
    expect(seen.at(-1)).toMatchObject({ kind: "statement", text: "SELECT @a, @b" });
    expect(seen.at(-1)).toHaveProperty("values", [expected, 1n]);
  });

  test("a login, with its password", () =>
    withLibrary(
      () => nothing,
      async (_connection, double) => {
        const application = "Tedious";
        const expected = {
          user: "user",
          password: "secret ☃",
          database: "name of it",
          application,
        };
        expect(double.logins).toEqual([expected]);
      },
    ));

  test("transactions, whose state the client is told", () => {
    const seen: string[] = [];
    return withLibrary(
      (request, { inTransaction }) => {
        seen.push(`${request.kind} ${inTransaction}`);
        return nothing;
      },
      async (connection) => {
        const run = (send: (done: (error: Error | null | undefined) => void) => void) =>
          new Promise<void>((resolve, reject) => {
            send((error) => (error ? reject(error) : resolve()));
          });
        await run((done) => connection.beginTransaction(done));
        await ask(connection, "SELECT 1");
        await run((done) => connection.commitTransaction(done));
        await run((done) => connection.beginTransaction(done));
        await run((done) => connection.rollbackTransaction(done));
        expect(seen).toEqual([
          "begin false",
          "statement true",
          "commit true",
          "begin false",
          "rollback true",
        ]);
      },
    );
  });
});

describe("what the double sends is read", () => {
  const columns: [TdsColumnType, TdsValue, unknown][] = [
    ["bit", 1n, true],
    ["int", -5n, -5],
    ["bigint", 2n ** 63n - 1n, "9223372036854775807"],
    ["binary", bytes(32), bytes(32)],
    ["varbinary", bytes(8_000), bytes(8_000)],
    ["varbinary", bytes(0), bytes(0)],
    ["varbinary(max)", bytes(100_000), bytes(100_000)],
    ["varbinary(max)", bytes(0), bytes(0)],
    ["varchar", "plain", "plain"],
    ["varchar(max)", "plain", "plain"],
    ["nvarchar", "ä☃😀", "ä☃😀"],
    ["nvarchar(max)", LONG_TEXT, LONG_TEXT],
  ];
  test.each(columns)("%s", async (type, value, expected) => {
    const metadata: TdsColumn[] = [
      { name: "one", type },
      { name: "none", type },
    ];
    const results = [{ columns: metadata, rows: [[value, null]], count: 7 }];
    await withLibrary(
      () => ({ kind: "results", results }),
      async (connection) => {
        const answered = await ask(connection, "SELECT");
        expect(answered).toEqual({ rows: [[expected, null]], counts: [7] });
      },
    );
  });

  test("several results of one batch, in packets of any size", () => {
    const column = (name: string): TdsColumn => ({ name, type: "bigint" });
    const rowsOf = (count: number) => Array.from({ length: count }, (_, index) => [BigInt(index)]);
    const results = [
      { columns: [column("a")], rows: rowsOf(2_000) },
      { columns: [], rows: [], count: 3 },
      { columns: [column("b")], rows: rowsOf(1) },
    ];
    return withLibrary(
      () => ({ kind: "results", results }),
      async (connection) => {
        const { rows, counts } = await ask(connection, "SELECT");
        expect(rows).toHaveLength(2_001);
        expect(counts).toEqual([2_000, 3, 1]);
      },
      { packetBytes: 512 },
    );
  });

  test("an error with its number, after which the connection goes on", () =>
    withLibrary(
      (request) =>
        request.kind === "statement" && request.text === "bad"
          ? { kind: "error", number: 2_627, message: "a duplicate" }
          : nothing,
      async (connection) => {
        const failure = await ask(connection, "bad").catch((error: unknown) => error);
        expect(failure).toMatchObject({ number: 2_627, message: "a duplicate", class: 16 });
        expect(await ask(connection, "good")).toEqual({ rows: [], counts: [] });
      },
    ));

  test("a refused login", async () => {
    const refuse = () => ({ number: 18_456, message: "Login failed" });
    const attempt = withLibrary(
      () => nothing,
      async () => undefined,
      { refuse },
    );
    expect(await attempt.catch((error: unknown) => error)).toMatchObject({ code: "ELOGIN" });
  });

  test("the end of a request that was taken back", () =>
    withLibrary(
      (request) =>
        request.kind === "statement" && request.text === "slow" ? { kind: "silence" } : nothing,
      async (connection, double) => {
        const failure = await ask(connection, "slow", (request) => request.setTimeout(50)).catch(
          (error: unknown) => error,
        );
        expect(failure).toMatchObject({ code: "ETIMEOUT" });
        expect(double.attentions).toBe(1);
        expect(await ask(connection, "good")).toEqual({ rows: [], counts: [] });
      },
    ));
});
