import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { actorIdentity } from "./identity.ts";
import { decodeTags, encodeTags, isCleanText, positionDamage } from "./row-codec.ts";

describe("tags as text", () => {
  test("any tags come back, and equal tags are equal text", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 8 });
    fc.assert(
      fc.property(fc.dictionary(text, text), (tags) => {
        const encoded = encodeTags(tags);
        expect(decodeTags(encoded)).toEqual({ ...tags });
        const reversed = Object.fromEntries(Object.entries(tags).reverse());
        expect(encodeTags(reversed)).toBe(encoded);
      }),
    );
    expect(decodeTags(encodeTags({ "\uFFFD": "\0\uFFFD" }))).toEqual({ "\uFFFD": "\0\uFFFD" });
  });

  test.each(["", "[]", "null", '{"a":1}', '{"a":', '{"a":"\0"}', '{"a":"\uFFFD"}', 7, null])(
    "%p is damage",
    (text) => {
      expect(decodeTags(text)).toBeUndefined();
    },
  );
});

test("text with NUL or the mark of broken UTF-8 is not clean", () => {
  expect(isCleanText("application/json 😀")).toBe(true);
  expect(isCleanText("a\0")).toBe(false);
  expect(isCleanText("a\uFFFD")).toBe(false);
  expect(isCleanText(null)).toBe(false);
});

test.each([
  [1n, 0n, false, undefined],
  [1n, 1n, true, undefined],
  [1n, -1n, false, "REV_INVALID"],
  [1n, 0n, true, "REV_INVALID"],
  [1n, 9_223_372_036_854_775_807n, true, "REV_EXHAUSTED"],
  [9_223_372_036_854_775_807n, 1n, true, "EPOCH_EXHAUSTED"],
  [-1n, 1n, true, "EPOCH_INVALID"],
  ["1", 1n, true, "EPOCH_INVALID"],
  [1n, null, true, "REV_INVALID"],
  [1n, 9_007_199_254_740_990n, true, undefined],
  [1n, 9_007_199_254_740_991n, true, "REV_EXHAUSTED"],
])("epoch %p, revision %p, with state %p is %p", (epoch, revision, hasState, reason) => {
  expect(positionDamage(epoch, revision, hasState)).toBe(reason);
});

test("identities are 32 bytes, frozen, and differ wherever the parts do", () => {
  const identity = (system: string, type: string, key: string) =>
    Buffer.from(actorIdentity({ system, type, key })).toString("hex");
  expect(identity("default", "counter", "a")).toBe(
    new Bun.CryptoHasher("sha256").update("default\0counter\0a").digest("hex"),
  );
  expect(identity("a", "b", "c")).not.toBe(identity("a", "bc", ""));
  expect(identity("a", "b", "c")).not.toBe(identity("ab", "", "c"));
});
