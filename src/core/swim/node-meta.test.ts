import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeNodeMeta, encodeNodeMeta, type NodeMeta } from "./node-meta.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

const META: NodeMeta = {
  tags: { zone: "north", gpu: "true" },
  weight: 1.5,
  draining: true,
  protocolMin: 1,
  protocolMax: 300,
  typesDigest: Uint8Array.from([1, 2, 3]),
};

const meta: fc.Arbitrary<NodeMeta> = fc.record({
  tags: fc.dictionary(
    fc.string({ unit: "grapheme", maxLength: 10 }),
    fc.string({ unit: "grapheme", maxLength: 20 }),
    { maxKeys: 4, noNullPrototype: true },
  ),
  weight: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((thousandths) => thousandths / 1_000),
  draining: fc.boolean(),
  protocolMin: fc.nat(0xffff),
  protocolMax: fc.nat(0xffff),
  typesDigest: fc.uint8Array({ maxLength: 32 }),
});

describe("what a node says of itself", () => {
  test("is read as it was written, in 512 bytes", () => {
    fc.assert(
      fc.property(meta, (said) => {
        const bytes = encodeNodeMeta(said);
        if (bytes === undefined) return;
        expect(bytes.length).toBeLessThanOrEqual(512);
        expect(decodeNodeMeta(bytes)).toEqual(said);
      }),
    );
  });

  test("has the same bytes whatever the order of its tags", () => {
    const { gpu = "", zone = "" } = META.tags;
    expect(encodeNodeMeta({ ...META, tags: { gpu, zone } })).toEqual(
      encodeNodeMeta({ ...META, tags: { zone, gpu } }) as Uint8Array,
    );
  });

  test.each([
    ["tags beyond 512 bytes", { tags: { a: "x".repeat(500) } }],
    ["a tag with a long name", { tags: { ["x".repeat(256)]: "" } }],
    ["no weight", { weight: 0 }],
    ["a negative weight", { weight: -1 }],
    ["a weight that is none", { weight: Number.NaN }],
    ["a version beyond 16 bits", { protocolMax: 65_536 }],
    ["a long digest", { typesDigest: new Uint8Array(33) }],
  ])("cannot be %s", (_, wrong) => {
    expect(encodeNodeMeta({ ...META, ...wrong })).toBeUndefined();
  });

  test("may hold fields that are not known here, and lack some that are", () => {
    const bytes = encodeNodeMeta(META) ?? new Uint8Array(0);
    const newer = Uint8Array.from([9, ...bytes.slice(1), 77, 0, 2, 5, 5]);
    expect(decodeNodeMeta(newer)).toEqual(META);
    const older = decodeNodeMeta(Uint8Array.from([1]));
    expect(older).toEqual({
      tags: {},
      weight: 1,
      draining: false,
      protocolMin: 0,
      protocolMax: 0,
      typesDigest: new Uint8Array(0),
    });
  });

  test("is nothing where it is damaged, and never throws", () => {
    expect(decodeNodeMeta(new Uint8Array(0))).toBeUndefined();
    expect(decodeNodeMeta(new Uint8Array(513))).toBeUndefined();
    expect(decodeNodeMeta(Uint8Array.from([0]))).toBeUndefined();
    expect(decodeNodeMeta(Uint8Array.from([1, 5, 0, 2, 9, 1]))).toBeUndefined();
    expect(decodeNodeMeta(Uint8Array.from([1, 5, 0, 2, 1, 0xff]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const read = decodeNodeMeta(Uint8Array.from([1, ...bytes]));
        expect(read === undefined || read.weight > 0).toBe(true);
      }),
    );
  });

  test("keeps a tag with the name of an object's own property", () => {
    const tags = Object.fromEntries([["__proto__", "x"]]);
    const read = decodeNodeMeta(encodeNodeMeta({ ...META, tags }) ?? new Uint8Array(0));
    expect(Object.entries(read?.tags ?? {})).toEqual([["__proto__", "x"]]);
  });
});

describe("UTF-8", () => {
  test("is what the runtime's own encoder says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(encodeUtf8(text)).toEqual([...new TextEncoder().encode(text)]);
        expect(decodeUtf8(Uint8Array.from(encodeUtf8(text)))).toBe(text.toWellFormed());
      }),
    );
  });

  test("is refused where the runtime's own decoder refuses it", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const decoded = (bytes: Uint8Array): string | undefined => {
      try {
        return strict.decode(bytes);
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
        expect(decodeUtf8(bytes)).toBe(decoded(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});
