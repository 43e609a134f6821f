import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type Fixture,
  RawClient,
  startListener,
  until,
} from "../../../test/support/listener-fixture.ts";

let fixture: Fixture;
let served = 0;

beforeAll(async () => {
  fixture = await startListener({
    request(request, response) {
      served += 1;
      request.readBody(4 * 1024 * 1024, (failure, body) => {
        if (failure === "too_large") response.send(413, {}, "");
        else if (failure === undefined) response.send(200, {}, body);
      });
    },
  });
});
afterAll(() => fixture.listener.close());

async function answer(request: string): Promise<RawClient> {
  const client = new RawClient(fixture.listener.port).write(request);
  await until(() => client.closed);
  return client;
}

const smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";

describe("a request that must not be served is answered once and the connection closed", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      "a length of 99999999999",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n",
      "413",
    ],
    [
      "a length beyond any number",
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${"9".repeat(40)}\r\n\r\n`,
      "413",
    ],
    [
      "a length and a transfer coding",
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      "400",
    ],
    [
      "two lengths",
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\nabcd${smuggled}`,
      "400",
    ],
    ["a list of lengths", `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4, 4\r\n\r\nabcd`, "400"],
    ["a signed length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\n\r\nabcd", "400"],
    [
      "an unknown transfer coding",
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n",
      "400",
    ],
    [
      "chunked hidden in a list",
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n",
      "400",
    ],
    [
      "two transfer codings",
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
      "400",
    ],
    [
      "a transfer coding in HTTP/1.0",
      "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
      "400",
    ],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", "400"],
    ["two Hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400"],
    ["a Host that is none", "GET / HTTP/1.1\r\nhost: a/b@c\r\n\r\n", "400"],
    ["NUL in the target", "GET /x\0y HTTP/1.1\r\nhost: a\r\n\r\n", "400"],
    ["a space in the target", "GET /x y HTTP/1.1\r\nhost: a\r\n\r\n", "400"],
    ["a folded field", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n", "400"],
    ["a space before the colon", "GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n", "400"],
    ["NUL in a value", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\0\r\n\r\n", "400"],
    ["a bare LF", "GET / HTTP/1.1\r\nhost: a\nx: 1\r\n\r\n", "400"],
    ["a bare CR", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\ry: 2\r\n\r\n", "400"],
    ["a field without a colon", "GET / HTTP/1.1\r\nhost: a\r\nx\r\n\r\n", "400"],
    ["300 fields", `GET / HTTP/1.1\r\nhost: a\r\n${"x: 1\r\n".repeat(300)}\r\n`, "431"],
    ["a head of 17 KiB", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(17 * 1024)}\r\n\r\n`, "431"],
    ["a head without an end", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(20 * 1024)}`, "431"],
    ["HTTP/2.0 in a request line", "GET / HTTP/2.0\r\nhost: a\r\n\r\n", "505"],
    ["HTTP/1.2", "GET / HTTP/1.2\r\nhost: a\r\n\r\n", "505"],
    ["no HTTP at all", "hello\r\n\r\n", "400"],
    [
      "an unknown expectation",
      "POST / HTTP/1.1\r\nhost: a\r\nexpect: tea\r\ncontent-length: 1\r\n\r\n",
      "417",
    ],
  ];
  test.each(cases)("%s", async (_name, request, status) => {
    const before = served;
    const client = await answer(request);
    expect(client.statuses).toEqual([status]);
    expect(served - before).toBe(0);
  });

  const broken: readonly (readonly [string, string])[] = [
    ["no hexadecimal", "xyz\r\nabc\r\n0\r\n\r\n"],
    ["a negative size", "-1\r\n\r\n0\r\n\r\n"],
    ["LF alone after the size", "3\nabc\r\n0\r\n\r\n"],
    ["data longer than its size", `3\r\nabcd\r\n0\r\n\r\n${smuggled}`],
    ["a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"],
    ["an endless size line", "0".repeat(5000)],
    ["a broken trailer", "0\r\nx y\r\n\r\n"],
  ];
  test.each(broken)("chunks with %s", async (_name, chunks) => {
    const before = fixture.rejected.length;
    const client = await answer(
      `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
    );
    expect(client.statuses).toEqual(["400"]);
    expect(fixture.rejected.slice(before)).toEqual(["http_malformed"]);
  });
});

test("the length of 99999999999 is refused before any byte of the body", async () => {
  const head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999\r\n\r\n";
  expect((await answer(head)).text).toContain("connection: close");
});

test("an upgrade to h2c is not taken up", async () => {
  const client = await answer(
    "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
  );
  expect(client.statuses).toEqual(["200"]);
});

test("pipelined requests are answered in their order", async () => {
  const one = (body: string): string =>
    `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const client = await answer(
    `${one("first")}${one("second")}GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
  );
  expect(client.statuses).toEqual(["200", "200", "200"]);
  expect(client.text.indexOf("first")).toBeLessThan(client.text.indexOf("second"));
});

test("a request that comes byte by byte is served", async () => {
  const client = new RawClient(fixture.listener.port);
  const request =
    "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nt: 1\r\n\r\n";
  for (const byte of request) {
    client.write(byte);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await until(() => client.closed);
  expect(client.statuses).toEqual(["200"]);
  expect(client.text.endsWith("hello!")).toBe(true);
});

test("a TLS hello on the clear port is ended and counted", async () => {
  const client = new RawClient(fixture.listener.port).write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  await until(() => client.closed);
  expect(fixture.rejected).toContain("tls_on_clear");
});

test("100 Continue is sent when the body is asked for", async () => {
  const client = new RawClient(fixture.listener.port).write(
    "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
  );
  await until(() => client.statuses[0] === "100");
  client.write("ok");
  await until(() => client.closed);
  expect(client.statuses).toEqual(["100", "200"]);
});
