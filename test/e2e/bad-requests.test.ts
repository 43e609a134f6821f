import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import {
  type Answer,
  field,
  framed,
  grpcStatus,
  INVOKE,
  invokeBytes,
  post,
  utf8,
} from "../support/rpc-bytes.ts";
import { tempDir } from "../support/temp-dir.ts";
import { badInputRows, rowName } from "./support/bad-input-rows.ts";
import { callJson, readJson } from "./support/json-calls.ts";
import { outcomeOf } from "./support/ledger-load.ts";
import { startDev, type TroupeServer } from "./support/troupe-process.ts";

const PROTO = "application/proto";
const JSON_TYPE = "application/json";
const rows = badInputRows();
const folder = tempDir();
let server: TroupeServer;
beforeAll(async () => {
  server = await startDev(folder.path);
});
afterAll(async () => {
  // After all of it the process is the same, healthy, and has no invariant broken.
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).toContain("troupe_invariant_failed_total 0\n");
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect((await readJson(server.url, "counter/trap")).value).toBeUndefined();
  await server.kill9();
  folder[Symbol.dispose]();
});

const row = (id: string, run: () => Promise<void>): void => {
  test(rowName(rows, id), async () => {
    await run();
    expect(server.running).toBe(true);
  });
};
const trap = (changes: object = {}): Uint8Array =>
  invokeBytes({ actor: { system: "", type: "counter", key: "trap" }, ...changes } as object);
const send = (body: Uint8Array | string, type: string | undefined = PROTO, headers = {}) =>
  post(server.url, INVOKE, type, body, headers);
const said = async (answer: Promise<Answer>) => {
  const { status, code, reason } = await answer;
  return [status, code, reason];
};
const jsonCall = (actor: string, rest = ""): Promise<Answer> =>
  send(`{"actor":${actor},"action":"add"${rest}}`, JSON_TYPE);

/** All that the server answers to these bytes until it closes, or until it has said enough. */
function raw(bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}
const head = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const HOST = "host: 127.0.0.1";
const statusOf = async (...lines: string[]): Promise<number> =>
  Number((await raw(head(...lines))).split(" ")[1] ?? 0);
const POST_LINE = `POST ${INVOKE} HTTP/1.1`;
const TYPE = `content-type: ${PROTO}`;

row("RPC-001", async () => {
  const text = await raw(head(POST_LINE, HOST, TYPE, "content-length: 99999999999"));
  expect(text).toStartWith("HTTP/1.1 413 ");
  expect(text.toLowerCase()).toContain("connection: close");
  expect(await statusOf("POST /none HTTP/1.1", HOST, "content-length: 99999999999")).toBe(413);
});
row("RPC-003", async () => {
  const both = ["content-length: 4", "transfer-encoding: chunked"];
  expect(await statusOf(POST_LINE, HOST, TYPE, ...both)).toBe(400);
});
row("RPC-005", async () => {
  expect(await statusOf(POST_LINE, HOST, TYPE, "transfer-encoding: xchunked")).toBe(400);
});
row("RPC-007", async () => {
  expect(await statusOf("GET /livez HTTP/1.1")).toBe(400);
});
row("RPC-009", async () => {
  const status = await statusOf("GET /x\0y HTTP/1.1", HOST);
  expect(status).toBeGreaterThanOrEqual(400);
});
row("RPC-011", async () => {
  const many = Array.from({ length: 300 }, (_, i) => `x-${i}: 1`);
  expect(await statusOf("GET /livez HTTP/1.1", HOST, ...many)).toBe(431);
});
row("RPC-013", async () => {
  expect(await statusOf("GET /livez HTTP/1.1", HOST, "a: 1", " folded")).toBe(400);
  expect(await statusOf("GET /livez HTTP/1.1", HOST, "x : 1")).toBe(400);
});
row("RPC-015", async () => {
  const hello = new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...new Uint8Array(64)]);
  expect(await raw(hello)).not.toContain("200");
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).toContain('reason="tls_on_clear"');
});
row("RPC-035", async () => {
  const upgrade = [
    "connection: upgrade, http2-settings",
    "upgrade: h2c",
    "http2-settings: AAMAAABk",
  ];
  const text = await raw(head("GET /livez HTTP/1.1", HOST, ...upgrade));
  expect(text).not.toContain(" 101 ");
});
row("RPC-037", async () => {
  expect((await send(trap(), "text/plain")).status).toBe(415);
});
row("RPC-039", async () => {
  const answer = await post(server.url, INVOKE, undefined, "", {}, "GET");
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
});
row("RPC-045", async () => {
  const cut = gzipSync(trap()).subarray(0, -9);
  const encoding = { "content-encoding": "gzip" };
  expect(await said(send(cut, PROTO, encoding))).toEqual([
    400,
    "invalid_argument",
    "BAD_COMPRESSION",
  ]);
});
row("RPC-049", async () => {
  expect(await grpcStatus(server.url, framed(trap(), 1))).toBe(3);
});
row("RPC-051", async () => {
  expect(await grpcStatus(server.url, framed(trap()).subarray(0, 3))).toBe(3);
});
row("RPC-053", async () => {
  expect(await grpcStatus(server.url, new Uint8Array([...framed(trap()), ...framed(trap())]))).toBe(
    12,
  );
});
row("RPC-055", async () => {
  const answer = await callJson(server.url, "counter/large/big", 5_000_000);
  expect([answer.status, (answer.value as { code: string }).code]).toEqual([
    429,
    "resource_exhausted",
  ]);
});
row("RPC-061", async () => {
  const bytes = new Uint8Array([...trap(), ...field(2, new Uint8Array([0xc0, 0x80]))]);
  expect((await said(send(bytes))).slice(0, 2)).toEqual([400, "invalid_argument"]);
});
row("RPC-067", async () => {
  expect((await send(new Uint8Array(20_000).fill(0x1b))).status).toBe(400);
});
row("RPC-075", async () => {
  expect((await jsonCall('{"type":"counter","key":"trap","key":"b"}')).status).toBe(400);
});
row("RPC-081", async () => {
  expect((await jsonCall(`${'{"type":'.repeat(50_000)}1${"}".repeat(50_000)}`)).status).toBe(400);
});
row("RPC-089", async () => {
  expect(await said(jsonCall('{"type":"counter","key":""}'))).toEqual([
    400,
    "invalid_argument",
    "ID_EMPTY",
  ]);
});
row("RPC-091", async () => {
  const long = JSON.stringify({ type: "t".repeat(64), key: "a" });
  expect(await said(jsonCall(long))).toEqual([400, "invalid_argument", "ID_TOO_LONG"]);
});
row("RPC-095", async () => {
  const hidden = JSON.stringify({ type: "counter", key: "a\u200bb" });
  expect((await jsonCall(hidden)).status).toBe(400);
  expect((await jsonCall(JSON.stringify({ type: "раураl", key: "a" }))).status).toBe(400);
});
row("RPC-097", async () => {
  const long = "k".repeat(254);
  expect((await callJson(server.url, `counter/${long}a/add`, 1)).value).toBe(1);
  expect((await callJson(server.url, `counter/${long}b/add`, 2)).value).toBe(2);
  expect((await callJson(server.url, `counter/${long}ab/add`, 2)).status).toBe(400);
});
row("RPC-099", async () => {
  const key = encodeURIComponent("'; DROP TABLE actors;--");
  expect((await callJson(server.url, `counter/${key}/add`, 1)).value).toBe(1);
  expect((await readJson(server.url, `counter/${key}`)).value).toEqual({ count: 1 });
});
row("RPC-107", async () => {
  const headers = { traceparent: "00-zz-zz-zz" };
  expect((await callJson(server.url, "counter/trace/add", 1, headers)).status).toBe(200);
});
row("RPC-111", async () => {
  await callJson(server.url, "counter/revision/add", 1);
  const stale = invokeBytes({
    actor: { system: "", type: "counter", key: "revision" } as never,
    action: "add",
    payload: { type: JSON_TYPE, data: utf8("1") } as never,
    expectedRevision: 0n,
  });
  expect((await said(send(stale))).slice(0, 2)).toEqual([409, "aborted"]);
  expect((await readJson(server.url, "counter/revision")).value).toEqual({ count: 1 });
});
row("RPC-113", async () => {
  for (const text of ["-1", "abc", "1.5", "12345678901"]) {
    expect((await send(trap(), PROTO, { "connect-timeout-ms": text })).status).toBe(400);
  }
});
row("RPC-117", async () => {
  const deadline = { "x-troupe-deadline-ms": "100" };
  const answer = await callJson(server.url, "counter/late/slow", 5_000, deadline);
  expect([answer.status, outcomeOf(answer.value)]).toEqual([504, "OUTCOME_UNKNOWN"]);
  // The actor is free again at once.
  const soon = { "x-troupe-deadline-ms": "2000" };
  expect((await callJson(server.url, "counter/late/add", 1, soon)).value).toBe(1);
});
row("RPC-119", async () => {
  const once = { "idempotency-key": "one" };
  expect((await callJson(server.url, "counter/ids/add", 1, once)).value).toBe(1);
  const other = await callJson(server.url, "counter/ids/add", 2, once);
  expect([other.status, (other.value as { code: string }).code]).toEqual([
    400,
    "failed_precondition",
  ]);
});
row("RPC-125", async () => {
  const cycle = { to: "relay/a", action: "hand", input: {} };
  const answer = await callJson(server.url, "relay/a/hand", cycle);
  expect([answer.status, (answer.value as { code: string }).code]).toEqual([
    400,
    "failed_precondition",
  ]);
});
row("RPC-129", async () => {
  expect((await callJson(server.url, "counter/full/fill", 1_000)).value).toBe(1_000);
  const over = await callJson(server.url, "counter/full/fill", 2 * 1_048_576);
  expect([over.status, (over.value as { code: string }).code]).toEqual([429, "resource_exhausted"]);
  const { padding } = (await readJson(server.url, "counter/full")).value as { padding: string };
  expect(padding).toHaveLength(1_000);
});
