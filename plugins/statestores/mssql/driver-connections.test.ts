import { describe, expect, test } from "bun:test";
import { freePort } from "../../../test/support/free-port.ts";
import { byText, failureOf, nothing } from "../../../test/support/tds/tds-answers.ts";
import { clientOf, withDouble } from "../../../test/support/tds/tds-client.ts";
import { TdsDouble } from "../../../test/support/tds/tds-double.ts";
import type { TdsHandler } from "../../../test/support/tds/tds-handler.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { prepared } from "../kit/sql/dialect.ts";

const select = prepared("SELECT 1");
const signal = () => AbortSignal.timeout(10_000);

/** Never answers the statement `slow`, and remembers what came. */
function slowly(): { readonly handler: TdsHandler; readonly seen: readonly string[] } {
  const seen: string[] = [];
  const answer = byText({ slow: { kind: "silence" } });
  const handler: TdsHandler = (request, client, stopped) => {
    if (request.kind === "statement") seen.push(request.text);
    return answer(request, client, stopped);
  };
  return { handler, seen };
}

describe("a session", () => {
  test("is set up so that an error rolls back and changes are counted, outside of a transaction", async () => {
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
    expect(settings).toContain("SET NOCOUNT OFF");
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

  test("of the lease is there while every other connection is busy", () => {
    const { handler, seen } = slowly();
    return withDouble(
      handler,
      async (client) => {
        const slow = failureOf(client.run(prepared("slow"), []));
        await waitUntil("it is under way", () => seen.includes("slow"));
        await client.run(prepared("renew"), [], "lease");
        await client.close();
        expect((await slow).kind).toBe("lost");
      },
      { limits: { poolSize: 1 } },
    );
  });
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

  test("end when the client is closed, also twice, and none is made afterwards", () => {
    const { handler, seen } = slowly();
    return withDouble(handler, async (client, double) => {
      const slow = failureOf(client.run(prepared("slow"), []));
      await waitUntil("it is under way", () => seen.includes("slow"));
      await client.close();
      await client.close();
      expect(await slow).toMatchObject({ kind: "lost", mayHaveCommitted: true });
      expect((await failureOf(client.run(select, []))).kind).toBe("unreachable");
      await waitUntil("the server sees it", () => double.connections === 0);
    });
  });
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
