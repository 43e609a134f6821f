import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearest } from "./nearest.ts";
import { formatValue, parseValue, type ValueType } from "./value-types.ts";

const spec = (type: ValueType) => ({ type, doc: "A test." });
const DAY_MS = 86_400_000;

const HOSTS = ["localhost", "127.0.0.1", "::1", "db.example.com", "fe80::1"];

describe("values", () => {
  test.each<[ValueType, fc.Arbitrary<unknown>]>([
    ["duration", fc.integer({ min: 1, max: DAY_MS })],
    ["size", fc.integer({ min: 0, max: 2 ** 45 })],
    ["integer", fc.maxSafeInteger()],
    ["boolean", fc.boolean()],
    ["address", fc.record({ host: fc.constantFrom(...HOSTS), port: fc.nat(65_535) })],
    ["list", fc.array(fc.stringMatching(/^[a-z]+$/))],
    ["map", fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.stringMatching(/^[a-z]*$/))],
  ])("of type %s are read back as they are written", (type, values) => {
    fc.assert(
      fc.property(values, (value) => {
        const parsed = parseValue(spec(type), formatValue(type, value));
        expect(parsed.ok && parsed.value).toEqual(value);
      }),
    );
  });

  test.each<ValueType>([
    "duration",
    "size",
    "integer",
    "number",
    "boolean",
    "address",
    "url",
    "path",
  ])("of type %s: no text makes the reader throw", (type) => {
    fc.assert(fc.property(fc.string(), (text) => void parseValue(spec(type), text)));
  });

  test("an address has no scheme, path or user", () => {
    for (const text of ["http://a:1", "a:1/x", "u@a b:1", "a", "a:", ":1", "[::1]", "::1:7700"]) {
      expect(parseValue(spec("address"), text).ok, text).toBe(false);
    }
  });
});

describe("the nearest name", () => {
  test.each([
    ["", "", 0],
    ["port", "prot", 1],
    ["port", "ports", 1],
    ["port", "sort", 1],
    ["ca", "abc", 3],
  ])("from %p to %p there are so many edits", (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
    expect(editDistance(to, from)).toBe(edits);
  });

  test("is not given when nothing is near", () => {
    expect(nearest("xyz", ["cluster", "seeds"])).toBeUndefined();
    expect(nearest("clutser", ["seeds", "cluster"])).toBe("cluster");
    expect(nearest("c".repeat(101), ["c".repeat(101)])).toBeUndefined();
  });
});
