import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseHead } from "./http1-head.ts";

const head = (text: string): ReturnType<typeof parseHead> => parseHead(text, 100);

test("a head gives its parts", () => {
  const parsed = head(
    "POST /a?b HTTP/1.1\r\nHost: x:1\r\nA:\t one \r\na: two\r\nContent-Length: 12\r\n",
  );
  if (parsed.kind !== "head") throw new Error("refused");
  expect([parsed.method, parsed.target, parsed.minorVersion]).toEqual(["POST", "/a?b", 1]);
  expect(parsed.framing).toEqual({ kind: "length", bytes: 12 });
  expect([...parsed.fields]).toEqual([
    ["host", "x:1"],
    ["a", "one, two"],
    ["content-length", "12"],
  ]);
  expect([parsed.keepAlive, parsed.expectsContinue, parsed.webSocket]).toEqual([
    true,
    false,
    false,
  ]);
});

test("HTTP/1.0 ends its connection and needs no Host", () => {
  expect(head("GET / HTTP/1.0\r\n")).toMatchObject({ kind: "head", keepAlive: false });
});

test("close is found in a list, websocket in any case", () => {
  expect(head("GET / HTTP/1.1\r\nhost: a\r\nconnection: x, Close\r\n")).toMatchObject({
    keepAlive: false,
  });
  expect(
    head("GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n"),
  ).toMatchObject({ webSocket: true });
  expect(
    head("GET / HTTP/1.1\r\nhost: a\r\nconnection: x\r\nupgrade: websocket\r\n"),
  ).toMatchObject({ webSocket: false });
});

test("any field that is served has a token for a name and no control character in its value", () => {
  const line = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const parsed = head(`GET / HTTP/1.1\r\nhost: a\r\n${lines.map((l) => `${l}\r\n`).join("")}`);
      if (parsed.kind === "refusal") return;
      for (const [name, value] of parsed.fields) {
        expect(name).toMatch(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/);
        expect([...value].some((c) => (c < " " && c !== "\t") || c === "\x7f")).toBe(false);
      }
    }),
  );
});

test("a head of many spaces is parsed in linear time", () => {
  const spaces = `${"a ".repeat(8000)}`;
  expect(head(`GET / HTTP/1.1\r\nhost: a\r\nx: ${spaces}b${" ".repeat(8000)}\r\n`).kind).toBe(
    "head",
  );
});
