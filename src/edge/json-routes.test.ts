import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { startEdge } from "../../test/support/edge-server.ts";
import { post } from "../../test/support/rpc-bytes.ts";
import { waitUntil } from "../../test/support/wait-until.ts";

const json = "application/json";

/** A request written by hand, and everything that comes back until the server closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.write(text);
  await waitUntil("an answer", () => answer.includes("\r\n\r\n"));
  socket.destroy();
  return answer;
}

describe("calls and states over plain HTTP", () => {
  test("with and without a system, keys percent-decoded", async () => {
    await using edge = await startEdge();
    const first = await post(edge.url, "/v1/counter/bar/add", json, "2");
    expect([first.status, first.body, first.headers.get("content-type")]).toEqual([200, "2", json]);
    expect(first.headers.get("x-troupe-revision")).toBe("1");
    await post(edge.url, "/v1/shop/counter/gr%C3%BC%C3%9Fe%20%26/add", json, "1");
    expect(edge.actors.invocations.map(({ actor }) => actor)).toEqual([
      { system: "default", type: "counter", key: "bar" },
      { system: "shop", type: "counter", key: "grüße &" },
    ]);
    const state = await post(edge.url, "/v1/counter/bar", undefined, "", {}, "GET");
    expect([state.status, state.body, state.headers.get("x-troupe-revision")]).toEqual([
      200,
      "2",
      "1",
    ]);
    const other = await post(edge.url, "/v1/shop/counter/bar?pretty", undefined, "", {}, "GET");
    expect([other.status, other.body]).toEqual([204, ""]);
  });

  test("passes the body through as it is, and an empty one as none", async () => {
    await using edge = await startEdge();
    const body = ' { "b": 1, "a": 10000000000000000000001 } ';
    expect((await post(edge.url, "/v1/counter/k/echo", `${json}; charset=utf-8`, body)).body).toBe(
      body,
    );
    expect((await post(edge.url, "/v1/counter/k/echo", undefined, "")).status).toBe(204);
    expect((await post(edge.url, "/v1/counter/k/none", json, "1")).status).toBe(204);
    expect(edge.actors.invocations[1]?.payload).toEqual({ type: "", data: new Uint8Array(0) });
  });

  test("honours the headers", async () => {
    await using edge = await startEdge();
    const headers = {
      "idempotency-key": "once",
      "x-troupe-deadline-ms": "2500",
      "x-troupe-metadata-tone": "loud",
      "x-troupe-metadata-authorization": "secret",
    };
    const before = performance.now();
    const first = await post(edge.url, "/v1/counter/k/add", json, "1", headers);
    const second = await post(edge.url, "/v1/counter/k/add", json, "1", headers);
    expect(first.headers.get("x-troupe-replayed")).toBeNull();
    expect([second.headers.get("x-troupe-replayed"), second.body]).toEqual(["true", "1"]);
    const [invocation] = edge.actors.invocations;
    expect(invocation).toMatchObject({ requestId: "once", metadata: { tone: "loud" } });
    expect((invocation?.deadlineMs ?? 0) - before).toBeWithin(1_000, 4_000);
  });

  test("traces the call from a parent that is one", async () => {
    const started: string[][] = [];
    const ended: string[] = [];
    const trace = {
      start: (...parts: string[]) => {
        started.push(parts);
        return { traceparent: "", tracestate: "", begin: () => undefined, end: () => undefined };
      },
      end: (_: unknown, code: string) => void ended.push(code),
    };
    await using edge = await startEdge({ trace });
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const headers = { traceparent, tracestate: "v=1" };
    await post(edge.url, "/v1/counter/k/add", json, "1", headers);
    await post(edge.url, "/v1/counter/k/bug", json, "1", { ...headers, traceparent: "00-x" });
    expect(started).toEqual([
      [traceparent, "v=1", "counter/add"],
      ["", "", "counter/bug"],
    ]);
    expect(ended).toEqual(["ok", "internal"]);
  });

  test.each([
    ["POST", "/v1/counter/k", 405, "GET"],
    ["DELETE", "/v1/counter/k/add", 405, "GET, POST"],
    ["GET", "/v1/s/counter/k/add", 405, "POST"],
    ["POST", "/v1/counter", 404, null],
    ["POST", "/v2/counter/k/add", 404, null],
    ["GET", "/v1/a/b/c/d/e", 404, null],
    ["POST", "/nowhere/at/all", 404, null],
    ["GET", "/", 200, null],
  ])("%s %s is answered %d", async (method, path, status, allow) => {
    await using edge = await startEdge();
    const answer = await post(
      edge.url,
      path,
      method === "POST" ? json : undefined,
      "1",
      {},
      method,
    );
    expect([answer.status, answer.headers.get("allow")]).toEqual([status, allow]);
    if (status === 404) expect([answer.code, answer.reason]).toEqual(["unimplemented", "NO_ROUTE"]);
    if (status === 405) expect([answer.code, answer.reason]).toEqual(["unimplemented", "METHOD"]);
  });

  test.each([
    ["text/plain", "1", 415],
    [undefined, "1", 415],
    [json, "{", 400],
    [json, '{"a":1} x', 400],
    [json, "'a'", 400],
    [json, `"${"x".repeat(4_194_304)}"`, 413],
  ])("a body of type %p that is %.10p is answered %d", async (type, body, status) => {
    await using edge = await startEdge();
    const answer = await post(
      edge.url,
      "/v1/counter/k/add",
      type,
      body,
      type === undefined ? { "content-type": "" } : {},
    );
    expect(answer.status).toBe(status);
    expect(edge.actors.invocations).toEqual([]);
    // Who forgot the header, as `curl -d` does, is told so.
    expect(answer.reason === "CONTENT_TYPE").toBe(status === 415);
    expect(answer.headers.get("accept-post")).toBe(status === 415 ? json : null);
  });

  test.each([
    ["missing", "add", 404, "not_found"],
    ["counter", "bug", 500, "internal"],
    ["counter", "busy", 429, "resource_exhausted"],
  ])("%s/%s fails with %d", async (type, action, status, code) => {
    await using edge = await startEdge();
    const answer = await post(edge.url, `/v1/${type}/k/${action}`, json, "");
    expect([answer.status, answer.code]).toEqual([status, code]);
    if (status === 429) expect(answer.headers.get("retry-after")).toBe("2");
  });

  test.each([
    "/v1/counter/%FF/add",
    "/v1/counter/%E0%A4%A/add",
    "/v1/counter/%00/add",
    "/v1/%2e%2e/k/add",
  ])("a path that is no name: %s", async (path) => {
    await using edge = await startEdge();
    const answer = await raw(
      edge.port,
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`,
    );
    expect(answer).toStartWith("HTTP/1.1 400");
  });

  test.each(["*", "//", "/v1//k/add", "http://other/v1/counter/k", "/\\", "/?/v1/counter/k/add"])(
    "an odd target: %s",
    async (target) => {
      await using edge = await startEdge();
      const answer = await raw(edge.port, `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 (?:200|400|404|405)/);
    },
  );
});

test("a bug is logged, since its caller is told nothing", async () => {
  await using edge = await startEdge();
  await post(edge.url, "/v1/counter/k/bug", json, "");
  await post(edge.url, "/v1/counter//bug", json, "");
  expect(edge.log).toEqual(["Invoke.failed", "Invoke.rejected"]);
  expect(edge.rejected).toEqual(["Invoke ID_EMPTY"]);
});

describe("probes", () => {
  test("follow the status and the checks", async () => {
    let status: "starting" | "running" | "draining" = "starting";
    let store = "ok";
    await using edge = await startEdge({
      status: () => status,
      checks: () => ({ store }),
      authenticate: () => undefined,
    });
    const probe = async (path: string) => {
      const response = await fetch(`${edge.url}${path}`);
      return [response.status, await response.json()];
    };
    expect(await probe("/livez")).toEqual([200, { status: "starting", checks: { store: "ok" } }]);
    expect(await probe("/startupz")).toEqual([
      503,
      { status: "starting", checks: { store: "ok" } },
    ]);
    status = "running";
    expect(await probe("/readyz")).toEqual([200, { status: "running", checks: { store: "ok" } }]);
    store = "no ping for 3 s";
    expect((await probe("/readyz"))[0]).toBe(503);
    expect((await probe("/livez"))[0]).toBe(200);
    store = "ok";
    status = "draining";
    expect((await probe("/readyz"))[0]).toBe(503);
    expect((await probe("/startupz"))[0]).toBe(200);
  });
});

describe("browsers", () => {
  const listed = "https://app.example.org";
  const preflight = (url: string, origin: string) =>
    fetch(`${url}/troupe.v1.ActorService/Invoke`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-troupe-metadata-tone,x-evil",
      },
    });

  test("of a listed origin are let in, and see what they need", async () => {
    await using edge = await startEdge({ corsOrigins: [listed], authenticate: () => undefined });
    const answer = await preflight(edge.url, listed);
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
    const allowed = answer.headers.get("access-control-allow-headers") ?? "";
    expect(allowed).toContain("connect-protocol-version");
    expect(allowed).toContain("x-troupe-metadata-tone");
    expect(allowed).not.toContain("x-evil");
    const refused = await post(edge.url, "/v1/counter/k/add", json, "1", { origin: listed });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      401,
      listed,
    ]);
    expect(refused.headers.get("access-control-expose-headers")).toContain(
      "grpc-status-details-bin",
    );
  });

  test("that only show an address of ours are not, where the browser says so", async () => {
    await using edge = await startEdge({ corsOrigins: [listed] });
    const get = (site: string) =>
      fetch(`${edge.url}/v1/counter/k`, { headers: { "sec-fetch-site": site } });
    expect((await get("cross-site")).status).toBe(403);
    expect(edge.actors.invocations).toHaveLength(0);
    for (const site of ["none", "same-origin"]) expect((await get(site)).ok).toBe(true);
  });

  test("of another origin are not; the server's own pages are", async () => {
    await using edge = await startEdge({ corsOrigins: [listed] });
    for (const origin of ["https://evil.example", "null", `${listed}.evil.example`]) {
      expect((await preflight(edge.url, origin)).status).toBe(403);
      const answer = await post(edge.url, "/v1/counter/k/add", json, "1", { origin });
      expect([answer.status, answer.reason]).toEqual([403, "ORIGIN_NOT_ALLOWED"]);
    }
    expect(
      (await post(edge.url, "/v1/counter/k/add", json, "1", { origin: edge.url })).status,
    ).toBe(200);
    expect(edge.actors.invocations).toHaveLength(1);
  });

  test("cannot reach a loopback listener under another name", async () => {
    await using edge = await startEdge({ allowedHosts: ["127.0.0.1", "localhost", "[::1]"] });
    for (const [host, status] of [
      ["evil.example", 403],
      [`evil.example:${edge.port}`, 403],
      [`localhost:${edge.port}`, 200],
      [`[::1]:${edge.port}`, 200],
      ["127.0.0.1", 200],
    ] as const) {
      const answer = await raw(edge.port, `GET /livez HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      expect(answer).toStartWith(`HTTP/1.1 ${status}`);
    }
  });
});
