import { describe, expect, test } from "bun:test";
import { freePort } from "../../../test/support/free-port.ts";
import { type ClientOptions, clientOf, withDouble } from "../../../test/support/tds/tds-client.ts";
import { TdsDouble } from "../../../test/support/tds/tds-double.ts";
import type { TdsAnswer, TdsHandler } from "../../../test/support/tds/tds-handler.ts";
import type { TdsRequest } from "../../../test/support/tds/tds-requests.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { prepared } from "../kit/sql/dialect.ts";
import type { SqlError, SqlErrorKind, SqlValue } from "../kit/sql/sql-client.ts";

const nothing: TdsAnswer = { kind: "results", results: [] };
const say = (number: number, rolledBack = false): TdsAnswer => ({
  kind: "error",
  number,
  message: `message ${number}`,
  rolledBack,
});
const select = prepared("SELECT 1");
const signal = () => AbortSignal.timeout(10_000);

async function failureOf(promise: Promise<unknown>): Promise<SqlError> {
  const settled = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (settled === undefined) throw new Error("it was not rejected");
  return settled as SqlError;
}

/** Answers statements by their text, and everything else with nothing. */
function byText(answers: Readonly<Record<string, TdsAnswer>>): TdsHandler {
  return (request) => (request.kind === "statement" ? (answers[request.text] ?? nothing) : nothing);
}

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

describe("a session", () => {
  test("is set up so that an error rolls back, and begins outside of a transaction", async () => {
    let settings = "";
    await withDouble(
      (_request, client) => {
        settings = client.settings;
        expect(client.inTransaction).toBe(false);
        return nothing;
      },
      async (client) => void (await client.run(select, [])),
    );
    expect(settings).toContain("set xact_abort on");
    expect(settings).toContain("set transaction isolation level read committed");
  });

  test("that a statement left in a transaction is not used again", () =>
    withDouble(
      byText({ open: { kind: "results", results: [], transaction: ["begin"] } }),
      async (client, double) => {
        await client.run(prepared("open"), []);
        await client.run(select, []);
        expect(double.logins).toHaveLength(2);
      },
    ));

  test("of the lease is there while every other connection is busy", () =>
    withDouble(
      byText({ slow: { kind: "silence" } }),
      async (client) => {
        const slow = failureOf(client.run(prepared("slow"), []));
        await client.run(prepared("renew"), [], "lease");
        await client.close();
        expect((await slow).kind).toBe("lost");
      },
      { limits: { poolSize: 1 } },
    ));
});

const NUMBERS: readonly [number, SqlErrorKind][] = [
  [1205, "retry"],
  [3960, "retry"],
  [2627, "duplicate"],
  [2601, "duplicate"],
  [1105, "full"],
  [9002, "full"],
  [229, "permission"],
  [262, "permission"],
  [207, "schema"],
  [208, "schema"],
  [1222, "timeout"],
  [8134, "other"],
];

describe("what the server says", () => {
  test.each(NUMBERS)("%d is %s, and changed nothing", (number, kind) =>
    withDouble(byText({ bad: say(number) }), async (client, double) => {
      const failure = await failureOf(client.run(prepared("bad"), []));
      expect(failure).toMatchObject({
        kind,
        serverCode: String(number),
        mayHaveCommitted: false,
      });
      await client.run(select, []);
      expect(double.logins).toHaveLength(kind === "timeout" ? 2 : 1);
    }),
  );

  test("in a transaction ends it: nothing more is sent, and no commit", () => {
    const seen: string[] = [];
    return withDouble(
      (request) => {
        seen.push(request.kind === "statement" ? request.text : request.kind);
        return request.kind === "statement" && request.text === "bad" ? say(1205, true) : nothing;
      },
      async (client) => {
        const first = client.transaction(async (runner) => {
          await runner.run(prepared("bad"), []).catch(() => undefined);
          await runner.run(prepared("after"), []).catch(() => undefined);
        });
        expect((await failureOf(first)).kind).toBe("retry");
        await client.transaction((runner) => runner.run(select, []));
        expect(seen).toEqual(["begin", "bad", "begin", "SELECT 1", "commit"]);
      },
    );
  });

  test("a body that rejects is rolled back, and its rejection is told", () => {
    const seen: string[] = [];
    return withDouble(
      (request) => {
        seen.push(request.kind);
        return nothing;
      },
      async (client) => {
        const body = client.transaction(async (runner) => {
          await runner.run(select, []);
          throw new RangeError("of the body");
        });
        expect(await failureOf(body)).toBeInstanceOf(RangeError);
        expect(seen).toEqual(["begin", "statement", "rollback"]);
      },
    );
  });
});

describe("an outcome", () => {
  test("is open when the connection breaks under a statement of its own", () =>
    withDouble(byText({ cut: { kind: "cut" } }), async (client, double) => {
      const failure = await failureOf(client.run(prepared("cut"), []));
      expect(failure).toMatchObject({ kind: "lost", mayHaveCommitted: true });
      await client.run(select, []);
      expect(double.logins).toHaveLength(2);
    }));

  test("is certain when it breaks before the commit", () =>
    withDouble(byText({ cut: { kind: "cut" } }), async (client) => {
      const body = client.transaction((runner) => runner.run(prepared("cut"), []));
      expect(await failureOf(body)).toMatchObject({ kind: "lost", mayHaveCommitted: false });
    }));

  test.each(["begin", "commit"] as const)("when it breaks at the %s", (where) =>
    withDouble(
      (request) => (request.kind === where ? { kind: "cut" } : nothing),
      async (client) => {
        const failure = await failureOf(client.transaction((runner) => runner.run(select, [])));
        expect(failure).toMatchObject({ kind: "lost", mayHaveCommitted: where === "commit" });
      },
    ),
  );

  test("is certain when the server refuses the commit", () =>
    withDouble(
      (request) => (request.kind === "commit" ? say(41302, true) : nothing),
      async (client) => {
        const failure = await failureOf(client.transaction((runner) => runner.run(select, [])));
        expect(failure).toMatchObject({ kind: "retry", mayHaveCommitted: false });
      },
    ));
});

describe("a time-out", () => {
  const short: ClientOptions = { limits: { statementTimeoutMs: 50 } };

  test("stops the statement on the server, and gives its connection to nobody", () =>
    withDouble(
      byText({ slow: { kind: "silence" } }),
      async (client, double) => {
        const failure = await failureOf(client.run(prepared("slow"), []));
        expect(failure).toMatchObject({ kind: "timeout", mayHaveCommitted: true });
        expect(double.attentions).toBe(1);
        await client.run(select, []);
        expect(double.logins).toHaveLength(2);
      },
      short,
    ));

  test("inside a transaction is certain", () =>
    withDouble(
      byText({ slow: { kind: "silence" } }),
      async (client) => {
        const body = client.transaction((runner) => runner.run(prepared("slow"), []));
        expect(await failureOf(body)).toMatchObject({ kind: "timeout", mayHaveCommitted: false });
      },
      short,
    ));

  test("of a commit leaves its outcome open", () =>
    withDouble(
      (request) => (request.kind === "commit" ? { kind: "silence" } : nothing),
      async (client) => {
        const failure = await failureOf(client.transaction((runner) => runner.run(select, [])));
        expect(failure).toMatchObject({ kind: "lost", mayHaveCommitted: true });
      },
      short,
    ));

  test("ends a connection whose server does not even stop", () =>
    withDouble(
      byText({ slow: { kind: "deaf" } }),
      async (client) => {
        const failure = await failureOf(client.run(prepared("slow"), []));
        expect(failure).toMatchObject({ kind: "timeout", mayHaveCommitted: true });
      },
      { limits: { statementTimeoutMs: 50, connectTimeoutMs: 100 } },
    ));
});

describe("connections", () => {
  test("are bounded, and who waits too long is told that nothing was sent", () =>
    withDouble(
      byText({ slow: { kind: "silence" } }),
      async (client, double) => {
        const busy = [1, 2].map(() => failureOf(client.run(prepared("slow"), [])));
        await waitUntil("both are busy", () => double.logins.length === 2);
        const failure = await failureOf(client.run(select, []));
        expect(failure).toMatchObject({ kind: "busy", mayHaveCommitted: false });
        expect(double.logins).toHaveLength(2);
        await client.close();
        await Promise.all(busy);
      },
      { limits: { poolSize: 2, queueTargetMs: 30 } },
    ));

  test("serve many callers one after another", () => {
    let together = 0;
    let most = 0;
    return withDouble(
      async () => {
        together += 1;
        most = Math.max(most, together);
        await new Promise((resolve) => setImmediate(resolve));
        together -= 1;
        return nothing;
      },
      async (client, double) => {
        await Promise.all(Array.from({ length: 100 }, () => client.run(select, [])));
        expect(most).toBeLessThanOrEqual(3);
        expect(double.logins.length).toBeLessThanOrEqual(3);
      },
      { limits: { poolSize: 3 } },
    );
  });

  test("come back at once after the server was away", async () => {
    const first = await TdsDouble.start(() => nothing);
    const client = clientOf(first.port);
    try {
      await client.open(signal());
      await client.run(select, []);
      await first.stop();
      const away = await failureOf(
        waitUntil("the loss is seen", async () => {
          const failure = await failureOf(client.run(select, []));
          if (failure.kind === "unreachable") throw failure;
          return false;
        }),
      );
      expect(away).toMatchObject({ kind: "unreachable", mayHaveCommitted: false });
      expect(away.message).toContain(`127.0.0.1:${first.port}`);
      await using second = await TdsDouble.start(() => nothing, { port: first.port });
      await client.run(select, []);
      expect(second.logins).toHaveLength(1);
    } finally {
      await client.close();
    }
  });

  test("end when the client is closed, also twice, and none is made afterwards", () =>
    withDouble(byText({ slow: { kind: "silence" } }), async (client, double) => {
      const slow = failureOf(client.run(prepared("slow"), []));
      await waitUntil("it is under way", () => double.logins.length === 1);
      await client.close();
      await client.close();
      expect(await slow).toMatchObject({ kind: "lost", mayHaveCommitted: true });
      expect((await failureOf(client.run(select, []))).kind).toBe("unreachable");
      await waitUntil("the server sees it", () => double.connections === 0);
    }));
});

describe("a server that cannot be opened", () => {
  test.each([
    [18_456, "login"],
    [4060, "login"],
    [6005, "unreachable"],
    [40_613, "unreachable"],
  ] as const)("refuses with %d: %s", (number, kind) =>
    withDouble(
      () => nothing,
      async (client) => {
        const failure = await failureOf(client.open(signal()));
        expect(failure).toMatchObject({ kind, serverCode: String(number) });
        expect(failure.message).not.toContain("påss");
      },
      { double: { refuse: () => ({ number, message: "no" }) } },
    ),
  );

  test("is not there", async () => {
    const client = clientOf(await freePort());
    const failure = await failureOf(client.open(signal()));
    expect(failure).toMatchObject({ kind: "unreachable", mayHaveCommitted: false });
    expect(failure.message).toContain("ECONNREFUSED");
    await client.close();
  });

  test("accepts and says nothing", () =>
    withDouble(
      () => nothing,
      async (client) => {
        expect((await failureOf(client.open(signal()))).kind).toBe("unreachable");
      },
      { double: { mute: true }, limits: { connectTimeoutMs: 100 } },
    ));
});
