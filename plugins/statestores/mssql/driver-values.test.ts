import { describe, expect, test } from "bun:test";
import { byText, failureOf, nothing } from "../../../test/support/tds/tds-answers.ts";
import { withDouble } from "../../../test/support/tds/tds-client.ts";
import type { TdsHandler } from "../../../test/support/tds/tds-handler.ts";
import type { TdsRequest } from "../../../test/support/tds/tds-requests.ts";
import { prepared } from "../kit/sql/dialect.ts";
import type { SqlValue } from "../kit/sql/sql-client.ts";

const select = prepared("SELECT 1");

describe("values", () => {
  test("parameters are declared by their text or their value, and bound in order", async () => {
    const seen: TdsRequest[] = [];
    const handler: TdsHandler = (request) => {
      seen.push(request);
      return nothing;
    };
    const text = `SELECT CAST($2 AS varbinary(max)), $1, CAST($3 AS nvarchar(max)), $4, $5, $6,
      CAST($1 AS bigint), CAST($7 AS varchar(63)), $8, $9`;
    const identity = new Uint8Array(32).fill(7);
    const values = [5, new Uint8Array(), null, null, 2n ** 62n, identity, "abc", "ä", "a"];
    await withDouble(handler, async (client) => {
      await client.run(prepared(text), values);
    });
    const request = seen[0];
    if (request?.kind !== "statement") throw new Error("no statement came");
    expect(request.text.replaceAll(/\s+/g, " ")).toBe(
      "SELECT @p2, @p1, @p3, @p4, @p5, @p6, @p1, @p7, @p8, @p9",
    );
    expect(request.declared).toBe(
      "@p1 bigint, @p2 varbinary(max), @p3 nvarchar(max), @p4 varbinary(1), @p5 bigint, " +
        "@p6 binary(32), @p7 varchar(63), @p8 nvarchar(max), @p9 varchar(8000)",
    );
    expect(request.values).toEqual([
      5n,
      new Uint8Array(),
      null,
      null,
      2n ** 62n,
      identity,
      "abc",
      "ä",
      "a",
    ]);
  });

  test("columns come back exact, and rows of several results one after another", () => {
    const results = [
      {
        columns: [
          { name: "number", type: "bigint" },
          { name: "count", type: "int" },
          { name: "flag", type: "bit" },
        ],
        rows: [
          [2n ** 63n - 1n, -1n, 1n],
          [null, null, null],
        ],
      },
      { columns: [], rows: [], count: 5 },
      {
        columns: [
          { name: "bytes", type: "varbinary(max)" },
          { name: "text", type: "nvarchar(max)" },
          { name: "digits", type: "varchar" },
        ],
        rows: [[new Uint8Array([0, 255]), "ä😀", "123"]],
      },
    ] as const;
    return withDouble(
      () => ({ kind: "results", results }),
      async (client) => {
        const { rows, changed } = await client.run(select, []);
        const expected: SqlValue[][] = [
          [2n ** 63n - 1n, -1n, 1],
          [null, null, null],
          [new Uint8Array([0, 255]), "ä😀", "123"],
        ];
        expect(rows).toEqual(expected);
        expect(changed).toBe(8);
      },
    );
  });

  test.each([
    ["text that is not ASCII as varchar", "CAST($1 AS varchar(63))", "ä"],
    ["an unsafe number", "$1", 2 ** 53],
    ["a fraction", "$1", 0.5],
    ["text as bytes", "CAST($1 AS varbinary(max))", "a"],
    ["bytes as text", "CAST($1 AS nvarchar(max))", new Uint8Array(1)],
  ] as const)("%s is refused before anything is sent", (_name, text, value) => {
    const seen: TdsRequest[] = [];
    return withDouble(
      (request) => {
        seen.push(request);
        return nothing;
      },
      async (client) => {
        const failure = await failureOf(client.run(prepared(`SELECT ${text}`), [value]));
        expect(failure).toMatchObject({ kind: "other", mayHaveCommitted: false });
        await client.run(select, []);
        expect(seen).toHaveLength(1);
      },
    );
  });

  test("a compare-and-set is told by its rows, whatever counts say", () => {
    const column = { name: "actor", type: "bigint" } as const;
    const results = (won: boolean) => [
      { columns: [], rows: [], count: 0 },
      { columns: [column], rows: won ? [[1n]] : [], count: 0 },
    ];
    return withDouble(
      byText({
        hit: { kind: "results", results: results(true), transaction: ["begin", "commit"] },
        miss: { kind: "results", results: results(false), transaction: ["begin", "commit"] },
      }),
      async (client) => {
        expect((await client.run(prepared("hit"), [])).rows).toEqual([[1n]]);
        expect((await client.run(prepared("miss"), [])).rows).toEqual([]);
      },
    );
  });
});
