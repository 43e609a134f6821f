import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type EdgeServer, startEdge } from "../../test/support/edge-server.ts";
import { runInProcess as troupe } from "../../test/support/run-program.ts";

const at = (server: EdgeServer): readonly string[] => ["--url", server.url];

describe("calls", () => {
  test("the payload is sent as it was written, and the reply printed as it came", async () => {
    await using server = await startEdge();
    const number = "12345678901234567890";
    const echo = ["invoke", "counter/a", "echo", `{"n": ${number}}`, ...at(server)];
    expect((await troupe(echo)).out).toBe(`{"n":${number}}\n`);
    expect((await troupe(echo, { interactive: true })).out).toBe(`{\n  "n": ${number}\n}\n`);
    expect((await troupe([...echo, "--json"])).out).toContain(`"reply":{"n":${number}}`);
    const sent = server.actors.invocations.map(({ payload }) =>
      new TextDecoder().decode(payload.data),
    );
    expect(new Set(sent)).toEqual(new Set([`{"n": ${number}}`]));
  });

  test("address and token come from the environment, and options win", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await startEdge({
      authenticate: ({ authorization }) => {
        seen.push(authorization);
        return { kind: "client", id: "a", roles: [] };
      },
    });
    const environment = { TROUPE_URL: server.url, TROUPE_TOKEN: "from-environment" };
    const call = ["invoke", "counter/a", "add", "1"];
    expect((await troupe(call, { environment })).code).toBe(0);
    expect((await troupe([...call, "--token", "given"], { environment })).code).toBe(0);
    expect(seen).toEqual(["Bearer from-environment", "Bearer given"]);
    const both = await troupe([...call, "--token", "a", "--token-file", "b"], { environment });
    expect(both.code).toBe(64);
    expect((await troupe([...call, "--url", "localhost:7700"])).code).toBe(64);
  });

  test("an answer that is no node's is not taken for one", async () => {
    const stranger = createServer((_request, response) => response.writeHead(404).end("nothing"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const { port } = stranger.address() as AddressInfo;
    const ended = await troupe(["state", "counter/a", "--url", `http://127.0.0.1:${port}`]);
    expect([ended.code, ended.out]).toEqual([69, ""]);
    expect(ended.err).toContain("does not answer as a node");
    stranger.close();
  });
});

describe("states and lists", () => {
  test("past revisions are listed newest first, page by page, and one of them is shown", async () => {
    await using server = await startEdge();
    for (let n = 0; n < 3; n += 1) await troupe(["invoke", "counter/a", "add", "1", ...at(server)]);
    const history = ["state", "history", "counter/a", ...at(server)];
    const rows = (await troupe([...history, "--json"])).out.trimEnd().split("\n");
    expect(rows.map((row) => (JSON.parse(row) as { revision: number }).revision)).toEqual([
      3, 2, 1,
    ]);
    const table = (await troupe([...history, "--limit", "2"])).out.split("\n");
    expect(table[1]).toMatch(/^3 +1970-01-01T00:00:03\.000Z +add/);
    expect(table).toHaveLength(4);
    const within = (await troupe([...history, "--from", "2", "--to", "2"])).out.split("\n");
    expect(within.map((line) => line.split(" ")[0])).toEqual(["REVISION", "2", ""]);
    const none = await troupe([...history, "--from", "7"]);
    expect([none.code, none.out, none.err]).toEqual([
      0,
      "",
      "no such revision of counter/a is kept\n",
    ]);
    for (const wrong of ["yesterday", "-1", "2026-13-01T00:00:00Z"]) {
      expect((await troupe([...history, "--from", wrong])).code).toBe(64);
    }
    const past = await troupe(["state", "counter/a", "--revision", "2", ...at(server)]);
    expect([past.code, past.out, past.err]).toEqual([0, "2\n", "revision 2\n"]);
    const absent = await troupe(["state", "counter/a", "--revision", "9", ...at(server)]);
    expect([absent.code, absent.out]).toEqual([1, ""]);
    const two = await troupe(["state", "counter/a", "--watch", "--revision", "2", ...at(server)]);
    expect(two.code).toBe(64);
  });

  test("lists of many pages are whole, up to the limit, and end when nobody reads", async () => {
    await using server = await startEdge();
    const names = Array.from({ length: 1_201 }, (_, n) => `k${String(n).padStart(4, "0")}`);
    const caller = { kind: "client", id: "a", roles: [] } as const;
    for (const key of names) {
      await server.actors.spawn(caller, { system: "default", type: "counter", key }, {});
    }
    const list = ["actors", "counter", "--json", ...at(server)];
    const all = (await troupe([...list, "--limit", "0"])).out.trimEnd().split("\n");
    expect(all.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(names);
    expect((await troupe(list)).out.trimEnd().split("\n")).toHaveLength(1_000);
    const headed = await troupe([...list, "--limit", "0"], { closedAfter: 1 });
    expect(headed.out.trimEnd().split("\n")).toHaveLength(500);
  });
});

test("colours are for terminals, errors are JSON where JSON was asked for", async () => {
  const wrong = ["state", "nothing"];
  expect((await troupe(wrong, { interactive: true })).err).toStartWith(
    "\u001b[31mtroupe\u001b[0m: ",
  );
  const plain = await troupe(wrong, { interactive: true, environment: { NO_COLOR: "1" } });
  expect(plain.err).toStartWith("troupe: nothing names no actor\n");
  const { err } = await troupe([...wrong, "--json"]);
  expect(JSON.parse(err)).toMatchObject({ error: { exit: 64, message: "nothing names no actor" } });
});
