import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type ConnectTransportOptions,
  createConnectTransport,
  createGrpcTransport,
} from "@connectrpc/connect-node";
import { type EdgeServer, startEdge } from "../../test/support/edge-server.ts";
import { CallFailure, type Client, connect } from "./client.ts";
import { RetryPolicy } from "./retry-policy.ts";

let edge: EdgeServer;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

const http2 = (): ConnectTransportOptions => ({ baseUrl: edge.url, httpVersion: "2" });
const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "an answer",
    (error: unknown) => error,
  );

describe.each<[string, () => Client]>([
  ["fetch", () => connect({ url: edge.url, retries: { attempts: 1 } })],
  [
    "gRPC",
    () =>
      connect({
        url: edge.url,
        retries: { attempts: 1 },
        transport: createGrpcTransport({ baseUrl: edge.url }),
      }),
  ],
  [
    "Connect over HTTP/2",
    () =>
      connect({
        url: edge.url,
        retries: { attempts: 1 },
        transport: createConnectTransport(http2()),
      }),
  ],
])("a client by %s", (name, make) => {
  const key = (text: string): string => `${name} ${text}`;

  test("invokes, with everything the server says beside the reply", async () => {
    const client = make();
    expect(await client.invoke("counter", key("ключ"), "add", 5)).toBe(5);
    const answer = await client.call("counter", key("ключ"), "add", 2, { metadata: { a: "b" } });
    expect(answer).toMatchObject({ value: 7, revision: 2, replayed: false, durable: true });
    expect(
      (await client.call("counter", key("m"), "echo", 1, { metadata: { a: "b" } })).metadata,
    ).toEqual({ a: "b" });
    expect(await client.invoke("counter", key("n"), "none")).toBeUndefined();
  });

  test("the same request id gets the first answer again", async () => {
    const client = make();
    const requestId = `${name}-once`.replaceAll(" ", "-").toLowerCase();
    await client.call("counter", key("r"), "add", 5, { requestId });
    expect(await client.call("counter", key("r"), "add", 5, { requestId })).toMatchObject({
      value: 5,
      replayed: true,
    });
  });

  test("reads states and lists actors", async () => {
    const client = make();
    await client.invoke("lister", key("l"), "add", 3);
    expect(await client.getState("lister", key("l"))).toMatchObject({ value: 3, revision: 1 });
    expect((await client.getState("lister", key("none"))).value).toBeUndefined();
    const { actors } = await client.list({ type: "lister", keyPrefix: key("l") });
    expect(actors).toEqual([
      { system: "default", type: "lister", key: key("l"), revision: 1, hasState: true, tags: {} },
    ]);
  });

  test("failures have code, outcome and reason", async () => {
    const client = make();
    const failed = await failure(client.invoke("counter", key("f"), "fail", "insufficient_funds"));
    expect(failed).toBeInstanceOf(CallFailure);
    expect(failed).toMatchObject({
      code: "insufficient_funds",
      message: "it failed",
      outcome: "not_applied",
    });
    expect(await failure(client.invoke("missing", "x", "add"))).toMatchObject({
      code: "not_found",
      outcome: "not_started",
    });
    expect(await failure(client.invoke("counter", key("b"), "busy"))).toMatchObject({
      code: "resource_exhausted",
      retryAfterMs: 1500,
    });
    const conflict = client.invoke("counter", key("c"), "add", 1, { expectedRevision: 9 });
    expect(await failure(conflict)).toMatchObject({ code: "aborted", outcome: "not_applied" });
    const late = client.invoke("counter", key("d"), "never", undefined, { timeoutMs: 50 });
    expect(await failure(late)).toMatchObject({ code: "deadline_exceeded" });
  });
});

test("a client where nobody listens fails with an unknown outcome", async () => {
  const client = connect({ url: "http://127.0.0.1:1", retries: { attempts: 1 } });
  expect(await failure(client.invoke("a", "b", "c"))).toMatchObject({
    code: "unavailable",
    outcome: "unknown",
  });
});

test("a stream batches calls and answers each", async () => {
  const client = connect({ url: edge.url, transport: createGrpcTransport({ baseUrl: edge.url }) });
  const stream = client.stream();
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, at) => stream.invoke("counter", `stream-${at}`, "add", at)),
  );
  expect(all).toEqual(Array.from({ length: 200 }, (_, at) => at));
  expect(await failure(stream.invoke("counter", "x", "fail", "no"))).toMatchObject({
    code: "no",
    outcome: "not_applied",
  });
  const waiting = failure(stream.invoke("counter", "x", "never"));
  stream.close();
  expect(await waiting).toMatchObject({ code: "canceled", outcome: "unknown" });
  expect(await failure(stream.invoke("counter", "x", "add"))).toMatchObject({ code: "canceled" });
});

test("a stream needs a transport that streams both ways", () => {
  expect(() => connect({ url: edge.url }).stream()).toThrow(TypeError);
});

describe("repeats", () => {
  /** A `fetch` that fails some times before it reaches the server. */
  function flaky(
    failures: number,
    body: object,
  ): { readonly fetch: typeof fetch; readonly calls: () => number } {
    let calls = 0;
    const flakyFetch = (...args: Parameters<typeof fetch>): Promise<Response> => {
      calls += 1;
      if (calls > failures) return fetch(...args);
      return Promise.resolve(Response.json(body, { status: 503 }));
    };
    return { fetch: flakyFetch as typeof fetch, calls: () => calls };
  }
  // ErrorDetail with an outcome of "not started".
  const detail = { type: "troupe.v1.ErrorDetail", value: "EAE" };

  test("a call that left no trace is made again", async () => {
    const { fetch, calls } = flaky(2, { code: "unavailable", message: "later", details: [detail] });
    expect(await connect({ url: edge.url, fetch }).invoke("counter", "again", "add", 4)).toBe(4);
    expect(calls()).toBe(3);
  });

  test("one of unknown outcome only with a request id", async () => {
    const once = flaky(2, { code: "unavailable", message: "who knows" });
    await failure(connect({ url: edge.url, fetch: once.fetch }).invoke("counter", "once", "add"));
    expect(once.calls()).toBe(1);
    const named = flaky(2, { code: "unavailable", message: "who knows" });
    const client = connect({ url: edge.url, fetch: named.fetch });
    expect(await client.invoke("counter", "named", "add", 1, { requestId: "named-1" })).toBe(1);
    expect(named.calls()).toBe(3);
  });

  test("at most three times in all, and only what may pass", async () => {
    const { fetch, calls } = flaky(9, { code: "unavailable", message: "later", details: [detail] });
    expect(
      await failure(connect({ url: edge.url, fetch }).invoke("counter", "x", "add")),
    ).toMatchObject({ code: "unavailable" });
    expect(calls()).toBe(3);
    const denied = flaky(9, { code: "permission_denied", message: "no", details: [detail] });
    await failure(connect({ url: edge.url, fetch: denied.fetch }).invoke("counter", "x", "add"));
    expect(denied.calls()).toBe(1);
  });

  test("no more than a tenth of all calls, beyond what was saved", () => {
    const policy = new RetryPolicy({ attempts: 3, budget: 0.1 });
    const failed = new CallFailure("unavailable", "", "not_started");
    let repeats = 0;
    for (let call = 0; call < 1000; call += 1) {
      policy.begin();
      if (policy.delayMs(failed, 1, false) !== undefined) repeats += 1;
    }
    expect(repeats).toBeGreaterThan(100);
    expect(repeats).toBeLessThanOrEqual(110);
  });

  test("no sooner than the server asks", () => {
    const policy = new RetryPolicy({ attempts: 3, budget: 0.1 });
    const failed = new CallFailure("unavailable", "", "not_started", "", 700);
    expect(policy.delayMs(failed, 1, false)).toBeGreaterThanOrEqual(700);
  });
});

test("a client runs in a browser: nothing of Node.js is bundled with it", async () => {
  const entry = new URL("./client.ts", import.meta.url).pathname;
  const built = await Bun.build({ entrypoints: [entry], target: "browser" });
  const text = await built.outputs[0]?.text();
  expect(text?.includes("class InvokeStream")).toBe(true);
  expect([...(text ?? "").matchAll(/["']node:[\w/]+["']/g)].map(([found]) => found)).toEqual([]);
});
