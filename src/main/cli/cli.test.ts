import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compactJson, prettyJson } from "./json-text.ts";
import { pairsText, Table } from "./table.ts";
import { makePaint } from "./terminal.ts";

describe("JSON text", () => {
  test("keeps its value and takes the shape of the standard printer", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(compactJson(JSON.stringify(value, undefined, 3)))).toEqual(
          JSON.parse(text),
        );
        expect(JSON.parse(prettyJson(text))).toEqual(JSON.parse(text));
      }),
    );
    const nested = { a: [1, { b: 'x, {y}: "z"' }], c: {}, d: [], e: null };
    expect(prettyJson(JSON.stringify(nested))).toBe(JSON.stringify(nested, undefined, 2));
  });

  test("keeps numbers that a double cannot hold", () => {
    expect(compactJson('{ "n": 12345678901234567890 }')).toBe('{"n":12345678901234567890}');
    expect(prettyJson("[1.10]")).toBe("[\n  1.10\n]");
  });

  test("of any length is whole", () => {
    const long = `"${"x".repeat(4_000_000)}\\""`;
    expect(compactJson(`[ ${long} ]`) === `[${long}]`).toBe(true);
    expect(prettyJson(long) === long).toBe(true);
    const deep = "[".repeat(10_000) + "]".repeat(10_000);
    expect(compactJson(deep) === deep).toBe(true);
  });

  test("lets no control character through to a terminal", () => {
    expect(compactJson('"\u009b31m"')).toBe('"\\u009b31m"');
  });
});

test("a table is aligned, and later parts follow the first", () => {
  const table = new Table(["KEY", "N"]);
  expect(table.lines([["longer", "1"]])).toEqual(["KEY     N", "longer  1"]);
  expect(table.lines([["b", "2"]])).toEqual(["b       2"]);
});

test("tags are ordered and cannot break a line", () => {
  expect(pairsText({ b: "2\n", a: "1" })).toBe("a=1 b=2?");
});

test("colours only on a terminal, and never with NO_COLOR or a dumb one", () => {
  expect(makePaint(true, {}).bold("x")).toBe("\u001b[1mx\u001b[0m");
  expect(makePaint(false, {}).bold("x")).toBe("x");
  expect(makePaint(true, { NO_COLOR: "1" }).red("x")).toBe("x");
  expect(makePaint(true, { TERM: "dumb" }).dim("x")).toBe("x");
});
