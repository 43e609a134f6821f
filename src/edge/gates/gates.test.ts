import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import { headerTimeoutMs, parseGrpcTimeout, remainingMs } from "./deadline.ts";
import { EnvelopeSplitter, envelope } from "./envelope.ts";
import { checkedActorId, checkRequestId, keyProblem, nameProblem } from "./ids.ts";
import { checkJsonValue } from "./json.ts";
import { checkedMetadata } from "./metadata.ts";
import { PageTokens } from "./page-token.ts";
import { utf8Length } from "./utf8-length.ts";

const reasonOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { details: { reason: string } }).details.reason;
  }
  return undefined;
};

describe("identifiers", () => {
  test.each([
    ["a", undefined],
    ["A.b_c-9", undefined],
    ["_private", undefined],
    ["a".repeat(63), undefined],
    ["a".repeat(64), "ID_TOO_LONG"],
    ["", "ID_EMPTY"],
    [".hidden", "ID_CHARSET"],
    ["a..b", "ID_CHARSET"],
    ["ä", "ID_CHARSET"],
    ["a b", "ID_CHARSET"],
    ["a\n", "ID_CHARSET"],
  ] as const)("the name %j: %p", (name, problem) => {
    expect(nameProblem(name)).toBe(problem);
  });

  test.each([
    ["k", undefined],
    ["a/b c:d", undefined],
    ["ключ-鍵-🎭", undefined],
    ["x".repeat(255), undefined],
    ["x".repeat(256), "ID_TOO_LONG"],
    [`${"é".repeat(127)}x`, undefined],
    ["é".repeat(128), "ID_TOO_LONG"],
    ["", "ID_EMPTY"],
    ["e\u0301", "ID_CHARSET"],
    ["a\u007f", "ID_CHARSET"],
    ["a\u0085", "ID_CHARSET"],
    ["\ud800", "ID_CHARSET"],
    ["a\u2066b", "ID_CHARSET"],
  ] as const)("the key %j: %p", (key, problem) => {
    expect(keyProblem(key)).toBe(problem);
  });

  test("keys that differ after byte 191 stay two", () => {
    const [one, two] = ["1", "2"].map((end) => checkedActorId("", "t", "x".repeat(254) + end));
    expect(one).not.toEqual(two);
  });

  test.each([
    ["", undefined],
    ["r".repeat(128), undefined],
    ["r".repeat(129), "REQUEST_ID_TOO_LONG"],
    ["é".repeat(65), "REQUEST_ID_TOO_LONG"],
    ["a\u0000", "REQUEST_ID_CHARSET"],
  ])("the request id %j: %p", (id, reason) => {
    expect(reasonOf(() => checkRequestId(id))).toBe(reason);
  });

  test("lengths are those of UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });
});

describe("deadlines", () => {
  test.each([
    ["5S", 5_000],
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["250m", 250],
    ["1500u", 1.5],
    ["99999999n", 99.999999],
  ])("the gRPC timeout %s is %d ms", (text, ms) => {
    expect(parseGrpcTimeout(text)).toBeCloseTo(ms);
  });

  test.each(["", "5", "S", "-1S", "1.5S", "123456789S", "5s", "5 S"])("%j is none", (text) => {
    expect(reasonOf(() => parseGrpcTimeout(text))).toBe("DEADLINE");
  });

  test("the narrowest of all counts, within the limit", () => {
    const { defaultDeadlineMs, maxDeadlineMs } = DEFAULT_LIMITS;
    const remaining = (a: number | undefined, b: number | undefined) =>
      remainingMs(a, b, defaultDeadlineMs, maxDeadlineMs);
    expect(remaining(undefined, undefined)).toBe(30_000);
    expect(remaining(100, 200)).toBe(100);
    expect(remaining(1e9, undefined)).toBe(60_000);
    expect(reasonOf(() => remaining(undefined, 0))).toBe("DEADLINE_PASSED");
    expect(headerTimeoutMs((name) => (name === "grpc-timeout" ? "1S" : undefined))).toBe(1_000);
    expect(headerTimeoutMs(() => undefined)).toBeUndefined();
  });
});

test("metadata that is empty, dropped or kept", () => {
  expect(checkedMetadata({}, DEFAULT_LIMITS)).toEqual({});
  const given = { Cookie: "a", "x-INTERNAL-b": "c", "x-tone": "loud" };
  expect(checkedMetadata(given, DEFAULT_LIMITS)).toEqual({ "x-tone": "loud" });
  const wide = { a: "ä".repeat(2_049) };
  expect(reasonOf(() => checkedMetadata(wide, DEFAULT_LIMITS))).toBe("METADATA_VALUE_TOO_LARGE");
  expect(reasonOf(() => checkedMetadata({ a: "1\r\nX: y" }, DEFAULT_LIMITS))).toBe(
    "METADATA_VALUE",
  );
  expect(reasonOf(() => checkedMetadata({ "a b": "" }, DEFAULT_LIMITS))).toBe("METADATA_KEY");
});

test("every JSON value passes, and what is none does not", () => {
  const limits = { depth: 64, elements: Number.POSITIVE_INFINITY };
  const check = (text: string) => () => checkJsonValue(new TextEncoder().encode(text), limits);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
      expect(reasonOf(check(JSON.stringify(value)))).toBeUndefined();
    }),
  );
  expect(reasonOf(check(`${"[".repeat(64)}${"]".repeat(64)}`))).toBeUndefined();
  expect(reasonOf(check(`${"[".repeat(65)}${"]".repeat(65)}`))).toBe("DEPTH");
  expect(reasonOf(check('"\\"[[["'))).toBeUndefined();
  expect(reasonOf(check('{"a":1e309}'))).toBe("JSON");
  expect(reasonOf(check("1 2"))).toBe("JSON");
});

test("a stream is taken apart however its bytes arrive", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 400 }), (sent, step) => {
      const bytes = new Uint8Array(Buffer.concat(sent.map((message) => envelope(0, message))));
      const splitter = new EnvelopeSplitter(1_000);
      const got: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        for (const { message } of splitter.push(bytes.subarray(at, at + step)))
          got.push(message.slice());
      }
      splitter.end();
      expect(got).toEqual(sent);
    }),
  );
  const splitter = new EnvelopeSplitter(10);
  expect(reasonOf(() => splitter.push(envelope(0, new Uint8Array(11)).subarray(0, 5)))).toBe(
    "MESSAGE_TOO_LARGE",
  );
});

test("page tokens are good for their own query and cluster alone", async () => {
  const [ours, theirs] = [1, 2].map((byte) => new PageTokens(new Uint8Array(32).fill(byte)));
  const token = (await ours?.make(["list", "a"], ["t", "k"])) ?? "";
  expect(await ours?.place(["list", "a"], token)).toEqual(["t", "k"]);
  expect(await ours?.place(["list", "a"], "")).toBeUndefined();
  const flipped = `${token.slice(0, -2)}${token.at(-2) === "A" ? "B" : "A"}${token.at(-1)}`;
  for (const [tokens, scope, text] of [
    [ours, ["list", "b"], token],
    [theirs, ["list", "a"], token],
    [ours, ["list", "a"], flipped],
    [ours, ["list", "a"], token.slice(0, 10)],
  ] as const) {
    const refusal = await tokens?.place(scope, text).catch((error) => error.details.reason);
    expect(refusal).toBe("BAD_PAGE_TOKEN");
  }
});
