import { describe, expect, test } from "bun:test";
import { byText, failureOf, nothing, say } from "../../../test/support/tds/tds-answers.ts";
import { type ClientOptions, withDouble } from "../../../test/support/tds/tds-client.ts";
import { prepared } from "../kit/sql/dialect.ts";
import type { SqlErrorKind } from "../kit/sql/sql-client.ts";

const select = prepared("SELECT 1");

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
