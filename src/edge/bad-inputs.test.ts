import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { type EdgeServer, startEdge } from "../../test/support/edge-server.ts";
import {
  type Answer,
  field,
  framed,
  grpcStatus,
  INVOKE,
  invokeBytes,
  post,
  utf8,
} from "../../test/support/rpc-bytes.ts";
import { waitUntil } from "../../test/support/wait-until.ts";

const STATE = "/troupe.v1.ActorService/GetState";
const LIST = "/troupe.v1.ActorService/List";
const MIB = 1_048_576;

const rows = new Map(
  readFileSync(`${import.meta.dir}/../../test/cases/bad-inputs.tsv`, "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .map(([id = "", input = "", expected = ""]) => [id, { input, expected }]),
);

const proto = "application/proto";
const json = "application/json";

describe.each([
  ["lean", true],
  ["complete", false],
])("hostile requests, %s", (_name, lean) => {
  let edge: EdgeServer;
  beforeAll(async () => {
    edge = await startEdge({ lean });
  });
  afterAll(async () => {
    expect(edge.actors.invocations.filter(({ action }) => action === "trap")).toEqual([]);
    expect((await post(edge.url, INVOKE, proto, invokeBytes())).status).toBe(200);
    await edge[Symbol.asyncDispose]();
  });

  /** One row of the catalogue; its words are in the test's name. */
  const row = (id: string, run: () => Promise<void>): void => {
    const found = rows.get(id);
    test(`${id}: ${found?.input ?? "unknown row"} → ${found?.expected ?? ""}`, async () => {
      expect(found).toBeDefined();
      await run();
    });
  };
  const send = (body: Uint8Array | string, headers: Record<string, string> = {}, type = proto) =>
    post(edge.url, INVOKE, type, body, headers);
  const refused = async (answer: Promise<Answer>, reason?: string): Promise<void> => {
    const { status, code, reason: got } = await answer;
    expect([status, code]).toEqual([400, "invalid_argument"]);
    if (reason !== undefined) expect(got).toBe(reason);
  };
  const trap = (changes: object = {}): Uint8Array => invokeBytes({ action: "trap", ...changes });
  const jsonCall = (fields: string): string =>
    `{"actor":{"type":"counter","key":"k"},"action":"trap",${fields}}`;

  row("RPC-037", async () => {
    for (const type of ["text/plain", undefined]) {
      const answer = await post(edge.url, INVOKE, type, trap());
      expect([answer.status, answer.body]).toEqual([415, ""]);
    }
  });
  row("RPC-039", async () => {
    for (const method of ["GET", "PUT"]) {
      const answer = await post(edge.url, INVOKE, undefined, "", {}, method);
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });
  row("RPC-041", async () => {
    await refused(send(trap(), { "connect-protocol-version": "2" }), "PROTOCOL_VERSION");
    expect((await send(invokeBytes())).status).toBe(200);
  });
  row("RPC-043", async () => {
    const answer = await send(trap(), { "content-encoding": "gzip, gzip" });
    expect([answer.status, answer.code]).toEqual([501, "unimplemented"]);
  });
  row("RPC-045", async () => {
    const member = gzipSync(trap());
    const cut = member.subarray(0, member.length - 9);
    await refused(send(cut, { "content-encoding": "gzip" }), "BAD_COMPRESSION");
  });
  row("RPC-047", async () => {
    for (const [name, bomb] of [
      ["br", brotliCompressSync(new Uint8Array(64 * MIB))],
      ["gzip", gzipSync(new Uint8Array(64 * MIB))],
    ] as const) {
      const answer = await send(bomb, { "content-encoding": name });
      expect([answer.status, answer.code]).toEqual([429, "resource_exhausted"]);
    }
  });
  row("RPC-049", async () => {
    expect(await grpcStatus(edge.url, framed(trap(), 1))).toBe(3);
  });
  row("RPC-051", async () => {
    expect(await grpcStatus(edge.url, framed(trap()).subarray(0, 3))).toBe(3);
    expect(await grpcStatus(edge.url, framed(new Uint8Array(1), 0, 100))).toBe(3);
  });
  row("RPC-053", async () => {
    expect(await grpcStatus(edge.url, new Uint8Array())).toBe(12);
    const twice = new Uint8Array([...framed(trap()), ...framed(trap())]);
    expect(await grpcStatus(edge.url, twice)).toBe(12);
  });
  row("RPC-057", async () => {
    const before = edge.log.length;
    const socket = connect(edge.port, "127.0.0.1");
    const head = `POST ${INVOKE} HTTP/1.1\r\nhost: x\r\ncontent-type: ${proto}\r\ncontent-length: 9\r\n\r\n`;
    await new Promise((resolve) => socket.write(`${head}abc`, resolve));
    // An answered request later, the bytes before it have been seen, too.
    await send(invokeBytes());
    socket.destroy();
    if (lean) await waitUntil("the abort is counted", () => edge.aborted.includes("read"));
    expect(edge.log.length).toBe(before);
  });
  row("RPC-059", () => refused(send("", {}, json)));
  row("RPC-061", async () => {
    for (const bytes of [
      [0xff, 0xfe],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
    ]) {
      const action = field(2, new Uint8Array(bytes));
      await refused(send(new Uint8Array([...trap(), ...action])), "MALFORMED");
    }
    await refused(send(new Uint8Array([0x22, 0xff, 0x22]), {}, json));
  });
  row("RPC-063", async () => {
    await refused(send(new Uint8Array([...trap(), 0x10, 0x01])), "MALFORMED");
    await refused(send(new Uint8Array([...trap(), 0x08, 0x01])), "MALFORMED");
  });
  row("RPC-065", async () => {
    await refused(send(new Uint8Array([0x12, 0xff, 0xff, 0xff, 0xff, 0x07])), "MALFORMED");
    const negative = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    await refused(send(new Uint8Array(negative)), "MALFORMED");
  });
  row("RPC-067", async () => {
    // 0x1b opens field 3, which is ours; 0x7b opens one that nobody knows.
    await refused(send(new Uint8Array(20_000).fill(0x7b)), "DEPTH");
    await refused(send(new Uint8Array(20_000).fill(0x1b)));
  });
  row("RPC-069", async () => {
    const entries = new Uint8Array(4 * MIB - 1_000)
      .fill(0)
      .map((_, at) => (at % 2 === 0 ? 0x2a : 0));
    await refused(send(entries), "TOO_MANY_ELEMENTS");
  });
  row("RPC-071", async () => {
    const entry = (key: string, value: string) =>
      field(5, join(field(1, utf8(key)), field(2, utf8(value))));
    const echo = invokeBytes({ action: "echo" });
    const answer = await send(join(echo, entry("a", "1"), entry("a", "2")));
    expect(answer.status).toBe(200);
    expect(edge.actors.invocations.at(-1)?.metadata).toEqual({ a: "2" });
    const many = Array.from({ length: 200 }, () => entry("a", "1"));
    expect((await send(join(echo, ...many))).status).toBe(200);
    await refused(send(join(trap(), field(5, field(2, utf8("1"))))), "METADATA_KEY");
  });
  row("RPC-073", async () => {
    const negative = new Uint8Array([0x50, ...new Uint8Array(9).fill(0xff), 0x01]);
    await refused(send(join(trap(), negative)));
  });
  row("RPC-075", () => refused(send(jsonCall('"requestId":"a","requestId":"b"'), {}, json)));
  row("RPC-077", async () => {
    await refused(send(jsonCall('"consistency":"NOPE"'), {}, json));
    await refused(send(jsonCall('"unknown":1'), {}, json));
    await refused(send(join(trap(), new Uint8Array([0x58, 0x63]))), "UNKNOWN_ENUM");
  });
  row("RPC-079", async () => {
    await refused(send(jsonCall('"expectedRevision":"9223372036854775808"'), {}, json));
    await refused(send(jsonCall('"expectedRevision":1.5'), {}, json));
    const page = { "content-type": json };
    for (const size of ["1.5", "4294967296"]) {
      await refused(post(edge.url, LIST, json, `{"type":"counter","pageSize":${size}}`, page));
    }
  });
  row("RPC-081", async () => {
    const deep = `{"actor":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`;
    const before = performance.now();
    await refused(send(deep, {}, json), "DEPTH");
    expect(performance.now() - before).toBeLessThan(1_000);
    const body = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    await refused(post(edge.url, "/v1/counter/k/trap", json, body), "DEPTH");
  });
  row("RPC-083", async () => {
    for (const value of ["NaN", "Infinity", "1e400", "-1e999", `[1,${"9".repeat(400)}]`]) {
      await refused(post(edge.url, "/v1/counter/k/trap", json, value), "JSON");
      await refused(send(jsonCall(`"expectedRevision":${value}`), {}, json));
    }
    expect((await post(edge.url, "/v1/counter/k/echo", json, "[1e10,true,false]")).status).toBe(
      200,
    );
  });
  row("RPC-089", async () => {
    const empty = { system: "", type: "counter", key: "" };
    await refused(send(trap({ actor: empty })), "ID_EMPTY");
    await refused(post(edge.url, STATE, json, "{}"), "ID_EMPTY");
  });
  row("RPC-091", async () => {
    const long = "a".repeat(64);
    for (const actor of [
      { system: long, type: "t", key: "k" },
      { system: "", type: long, key: "k" },
    ]) {
      await refused(send(trap({ actor })), "ID_TOO_LONG");
    }
    await refused(send(invokeBytes({ action: long })), "ID_TOO_LONG");
  });
  row("RPC-093", async () => {
    for (const bad of ["a/b", "a\\b", "..", "a..b", "%2e%2e", "a?b", "a#b"]) {
      await refused(send(trap({ actor: { system: bad, type: "t", key: "k" } })), "ID_CHARSET");
      await refused(send(trap({ actor: { system: "", type: bad, key: "k" } })), "ID_CHARSET");
      await refused(send(invokeBytes({ action: bad })), "ID_CHARSET");
    }
    const slash = { system: "", type: "counter", key: "a/b?c#d" };
    expect((await send(invokeBytes({ actor: slash } as never))).status).toBe(200);
    await refused(post(edge.url, "/v1/counter/a%2Fb/add", json, "1"), "ID_CHARSET");
  });
  row("RPC-095", async () => {
    for (const bad of ["\u0440\u0430ura", "a\u200bb", "a\u202eb", "\ufeffa"]) {
      await refused(send(trap({ actor: { system: "", type: bad, key: "k" } })), "ID_CHARSET");
      await refused(send(invokeBytes({ action: bad })), "ID_CHARSET");
    }
    for (const bad of ["a\u200bb", "a\u202eb", "\ufeffa", "a\u0000b", "e\u0301"]) {
      await refused(send(trap({ actor: { system: "", type: "counter", key: bad } })), "ID_CHARSET");
    }
    const mixed = { system: "", type: "counter", key: "\u0440\u0430ypal" };
    expect((await send(invokeBytes({ actor: mixed } as never))).status).toBe(200);
  });
  row("RPC-099", async () => {
    const key = "'; DROP TABLE actors;--";
    const actor = { system: "", type: "counter", key };
    expect((await send(invokeBytes({ actor } as never))).status).toBe(200);
    expect(edge.actors.invocations.at(-1)?.actor.key).toBe(key);
  });
  row("RPC-101", async () => {
    for (const action of ["legit?x=1", "legit\r\nX: y", "admin/../legit"]) {
      await refused(send(invokeBytes({ action })), "ID_CHARSET");
      const path = `/v1/counter/k/${encodeURIComponent(action)}`;
      await refused(post(edge.url, path, json, ""), "ID_CHARSET");
    }
  });
  row("RPC-103", async () => {
    const entries = Array.from({ length: 10_000 }, (_, at) => [`k${at}`, ""]);
    await refused(send(trap({ metadata: Object.fromEntries(entries) })), "METADATA_TOO_MANY");
    const large = { a: "x".repeat(4_097) };
    await refused(send(trap({ metadata: large })), "METADATA_VALUE_TOO_LARGE");
    const values = Array.from({ length: 5 }, (_, at) => [`k${at}`, "x".repeat(4_000)]);
    await refused(send(trap({ metadata: Object.fromEntries(values) })), "METADATA_TOO_LARGE");
  });
  row("RPC-105", async () => {
    const metadata = { Authorization: "a", cookie: "b", "X-Internal-Id": "c", kept: "d" };
    expect((await send(invokeBytes({ metadata }))).status).toBe(200);
    expect(edge.actors.invocations.at(-1)?.metadata).toEqual({ kept: "d" });
  });
  row("RPC-107", async () => {
    for (const traceparent of ["nonsense", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`]) {
      expect((await send(invokeBytes(), { traceparent })).status).toBe(200);
    }
  });
  row("RPC-109", () => refused(send(trap({ metadata: { "request-timeout": "abc" } })), "DEADLINE"));
  row("RPC-111", async () => {
    const actor = { system: "", type: "counter", key: "rev" };
    await send(invokeBytes({ actor } as never));
    const answer = await send(invokeBytes({ actor, expectedRevision: 0n } as never));
    expect([answer.status, answer.code]).toEqual([409, "aborted"]);
    expect(answer.body).toContain('"currentRevision":"1"');
  });
  row("RPC-113", async () => {
    for (const timeout of ["-1", "abc", "1.5", "12345678901"]) {
      await refused(send(trap(), { "connect-timeout-ms": timeout }), "DEADLINE");
      const deadline = { "x-troupe-deadline-ms": timeout };
      await refused(post(edge.url, "/v1/counter/k/trap", json, "", deadline), "DEADLINE");
    }
    const zero = await send(trap(), { "connect-timeout-ms": "0" });
    expect([zero.status, zero.code]).toEqual([504, "deadline_exceeded"]);
  });
  row("RPC-115", async () => {
    expect(await grpcStatus(edge.url, framed(trap()), { "grpc-timeout": "0n" })).toBe(4);
    expect(await grpcStatus(edge.url, framed(invokeBytes()), { "grpc-timeout": "99999999H" })).toBe(
      0,
    );
    const left = (edge.actors.invocations.at(-1)?.deadlineMs ?? 0) - performance.now();
    expect(left).toBeLessThanOrEqual(60_000);
    expect(await grpcStatus(edge.url, framed(trap()), { "grpc-timeout": "5x" })).toBe(3);
  });
  row("RPC-127", async () => {
    for (const pageToken of ["forged", "AAAA", "x".repeat(5_000), "%%%"]) {
      await refused(post(edge.url, LIST, json, JSON.stringify({ pageToken })), "BAD_PAGE_TOKEN");
    }
  });
  row("RPC-149", async () => {
    const binary = invokeBytes({
      metadata: { a: "b" },
      requestId: "r",
      expectedRevision: 3n,
      timeout: { $typeName: "google.protobuf.Duration", seconds: 9n, nanos: 1 },
    });
    const fields = '"requestId":"r","metadata":{"a":"b"},"timeout":"9s"';
    const text = utf8(`{"actor":{"type":"counter","key":"k"},"action":"add",${fields}}`);
    const routes = [
      [INVOKE, proto, binary],
      [INVOKE, json, text],
      [LIST, json, utf8('{"type":"counter","tags":{"a":"b"},"pageSize":3}')],
      [INVOKE, "application/grpc-web+proto", framed(binary)],
      ["/v1/counter/k/echo", json, utf8('{"a":[1,2.5e3,"x"],"b":null}')],
    ] as const;
    const next = random(149);
    const found = new Map<string, number>();
    // Half of the ten thousand each way.
    for (let round = 0; round < 100; round += 1) {
      const answers = Array.from({ length: 50 }, (_, at) => {
        const [path, type, body] = routes[at % routes.length] as (typeof routes)[number];
        return post(edge.url, path, type, mutated(body, next));
      });
      for (const { status, code, body } of await Promise.all(answers)) {
        const internal = status >= 500 || code === "internal" || body.includes("grpc-status: 13");
        const outcome = internal ? `${status} ${code}` : "definite";
        found.set(outcome, (found.get(outcome) ?? 0) + 1);
      }
    }
    expect([...found]).toEqual([["definite", 5_000]]);
  });
});

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A seeded generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mutated(bytes: Uint8Array, next: () => number): Uint8Array {
  const copy = [...bytes];
  const changes = 1 + Math.floor(next() * 4);
  for (let count = 0; count < changes; count += 1) {
    const at = Math.floor(next() * copy.length);
    const kind = next();
    if (kind < 0.5) copy[at] = Math.floor(next() * 256);
    else if (kind < 0.7) copy.splice(at, 1);
    else if (kind < 0.9) copy.splice(at, 0, Math.floor(next() * 256));
    else copy.splice(at);
  }
  return new Uint8Array(copy);
}
