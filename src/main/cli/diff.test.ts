import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type JsonChange, jsonDiff } from "./json-diff.ts";
import { lineDiff } from "./line-diff.ts";

/** Applies changes to a JSON value: what is removed from arrays goes from the end. */
function patched(value: unknown, changes: readonly JsonChange[]): unknown {
  let root: unknown = structuredClone(value);
  const removals = changes.filter(({ op }) => op === "remove").toReversed();
  const others = changes.filter(({ op }) => op !== "remove");
  for (const { op, path, after } of [
    ...others.filter(({ op }) => op === "replace"),
    ...removals,
    ...others.filter(({ op }) => op === "add"),
  ]) {
    const parts = path
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = parts.pop();
    const now: unknown = after === undefined ? undefined : JSON.parse(after);
    if (last === undefined) {
      root = now;
      continue;
    }
    let at = root as Record<string, unknown>;
    for (const part of parts) at = at[part] as Record<string, unknown>;
    if (Array.isArray(at)) {
      if (op === "add") at.splice(Number(last), 0, now);
      else if (op === "remove") at.splice(Number(last), 1);
      else at[Number(last)] = now;
    } else if (op === "remove") delete at[last];
    else
      Object.defineProperty(at, last, {
        value: now,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return root;
}

describe("JSON", () => {
  test("is the second text once the changes are applied to the first, and equal texts have none", () => {
    const json = fc.jsonValue({ maxDepth: 4, stringUnit: "grapheme" });
    fc.assert(
      fc.property(json, json, (before, after) => {
        const [a, b] = [JSON.stringify(before), JSON.stringify(after)];
        const changes = jsonDiff(a, b);
        expect(patched(JSON.parse(a), changes)).toEqual(JSON.parse(b));
        expect(changes.length === 0).toBe(Bun.deepEquals(JSON.parse(a), JSON.parse(b), true));
        expect(jsonDiff(a, a)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("tells each place, with numbers as they were written", () => {
    const before = '{"a":{"b":[1,2,3]},"gone":true,"n":12345678901234567890,"x/~":1}';
    const after = '{"n":12345678901234567891,"a":{"b":[1,9,2,3]},"x/~":1.0,"new":null}';
    expect(jsonDiff(before, after)).toEqual([
      { op: "add", path: "/a/b/1", after: "9" },
      { op: "remove", path: "/gone", before: "true" },
      { op: "replace", path: "/n", before: "12345678901234567890", after: "12345678901234567891" },
      { op: "replace", path: "/x~1~0", before: "1", after: "1.0" },
      { op: "add", path: "/new", after: "null" },
    ]);
  });

  test("that is none is refused", () => {
    expect(() => jsonDiff("{", "1")).toThrow(SyntaxError);
  });
});

describe("lines", () => {
  test("of both texts are all told, in their order", () => {
    const text = fc
      .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 })
      .map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = lineDiff(before, after);
        const without = (op: string) =>
          lines
            .filter((each) => each.op !== op)
            .map(({ line }) => line)
            .join("\n");
        expect(without("add")).toBe(before);
        expect(without("remove")).toBe(after);
      }),
    );
  });

  test("that are in both are kept, as many as there can be", () => {
    const lines = lineDiff("one\ntwo\nthree\nfour", "one\nthree\n3\nfour");
    expect(lines.map(({ op, line }) => `${op} ${line}`)).toEqual([
      "keep one",
      "remove two",
      "keep three",
      "add 3",
      "keep four",
    ]);
  });

  test("beyond what can be compared are told as replaced", () => {
    const many = (prefix: string) =>
      Array.from({ length: 3_000 }, (_, index) => `${prefix}${index}`);
    const lines = lineDiff(["same", ...many("a")].join("\n"), ["same", ...many("b")].join("\n"));
    expect(lines.filter(({ op }) => op === "keep")).toEqual([{ op: "keep", line: "same" }]);
    expect(lines).toHaveLength(6_001);
  });
});
