import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { HelloSchema } from "../../gen/troupe/v1/host_pb.ts";
import { ProtoReader, WireError } from "./reader.ts";
import { ProtoWriter } from "./writer.ts";

const RUNS = { numRuns: 300 };
const safeUint = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(2 ** 28, 2 ** 32, 2 ** 49));

function written(write: (writer: ProtoWriter) => void): Uint8Array {
  const writer = new ProtoWriter(4);
  write(writer);
  return writer.finish();
}

function drain(bytes: Uint8Array): void {
  const reader = new ProtoReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) reader.skip(tag);
}

describe("writer and reader", () => {
  test("numbers come back, and match the library's bytes", () => {
    fc.assert(
      fc.property(safeUint, fc.maxSafeInteger(), fc.integer(), (uint, int, nanos) => {
        const bytes = written((writer) => {
          writer.presentUint(1, uint);
          writer.int(2, int);
        });
        const reader = new ProtoReader(bytes);
        expect([reader.tag(), reader.uint64()]).toEqual([8, uint]);
        if (int !== 0) expect([reader.tag(), reader.int64()]).toEqual([16, int]);
        expect(reader.tag()).toBe(0);

        const ours = written((writer) => {
          writer.int(1, int);
          writer.int(2, nanos);
        });
        const theirs = toBinary(
          DurationSchema,
          create(DurationSchema, { seconds: BigInt(int), nanos }),
        );
        expect(ours).toEqual(theirs);
      }),
      RUNS,
    );
  });

  test("strings, bytes, doubles, maps and nested messages match the library's bytes", () => {
    const entry = fc.record({
      token: fc.string({ unit: "binary", maxLength: 200 }),
      hostName: fc.string({ maxLength: 40_000 }),
      weight: fc.double({ noNaN: true }),
      descriptors: fc.uint8Array({ maxLength: 300 }),
      tags: fc.dictionary(
        fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"),
        fc.string(),
      ),
      type: fc.string({ maxLength: 20_000 }),
    });
    fc.assert(
      fc.property(entry, ({ type, ...fields }) => {
        const theirs = toBinary(HelloSchema, create(HelloSchema, { ...fields, types: [{ type }] }));
        const ours = written((writer) => {
          writer.string(1, fields.token);
          const mark = writer.begin(3);
          writer.string(2, type);
          writer.end(mark);
          writer.string(5, fields.hostName);
          writer.map(7, fields.tags);
          writer.double(8, fields.weight);
          writer.bytes(9, fields.descriptors);
        });
        expect(Buffer.compare(ours, theirs)).toBe(0);

        const reader = new ProtoReader(theirs);
        const read = {
          token: "",
          hostName: "",
          weight: 0,
          descriptors: new Uint8Array(0) as Uint8Array,
          tags: {},
          type: "",
        };
        for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
          if (tag === 0x0a) read.token = reader.string();
          else if (tag === 0x1a) {
            const outer = reader.enter();
            for (let inner = reader.tag(); inner !== 0; inner = reader.tag())
              read.type = reader.string();
            reader.leave(outer);
          } else if (tag === 0x2a) read.hostName = reader.string();
          else if (tag === 0x3a) reader.mapEntry(read.tags);
          else if (tag === 0x41) read.weight = reader.double();
          else if (tag === 0x4a) read.descriptors = reader.bytes();
        }
        expect(read).toEqual({ ...fields, type });
      }),
      RUNS,
    );
  });

  test("durations keep milliseconds and parts of them, before 1970 too", () => {
    fc.assert(
      fc.property(fc.integer({ min: -4e12, max: 4e12 }), (quarters) => {
        const ms = quarters / 4;
        const bytes = written((writer) => writer.millis(1, ms));
        const reader = new ProtoReader(bytes);
        reader.tag();
        expect(reader.millis()).toBe(ms);
        // Without the tag and the length, what is left is the message itself.
        const stamp = fromBinary(TimestampSchema, bytes.subarray(2));
        expect(Number(stamp.seconds) * 1000 + stamp.nanos / 1e6).toBe(ms);
      }),
      RUNS,
    );
  });

  test("a likely string is given back itself, and any other is read", () => {
    const likely = "application/json";
    for (const text of [
      likely,
      "application/jsox",
      "application/jso",
      "",
      "ключ",
      "a".repeat(300),
    ]) {
      const reader = new ProtoReader(written((writer) => writer.presentString(1, text)));
      reader.tag();
      expect([reader.stringLike(likely), reader.tag()]).toEqual([text, 0]);
    }
    expect(() => new ProtoReader(new Uint8Array([9, 97])).stringLike(likely)).toThrow(WireError);
  });

  test("bytes are a copy, of a Buffer too", () => {
    const frame = Buffer.from([2, 7, 8]);
    const bytes = new ProtoReader(frame).bytes();
    frame.fill(0);
    expect(bytes).toEqual(new Uint8Array([7, 8]));
  });

  test("a frame's prefix holds flags and length", () => {
    const writer = new ProtoWriter(2);
    writer.reserve(5);
    writer.bytes(1, new Uint8Array(300));
    writer.prefix(0, 2);
    expect([...writer.view().subarray(0, 5)]).toEqual([2, 0, 0, 1, 47]);
  });
});

describe("hostile bytes", () => {
  test("arbitrary bytes are skipped or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          drain(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["a varint of eleven bytes", [8, ...new Array<number>(11).fill(0xff)]],
    ["field number 0", [0x02, 1, 1]],
    ["a length beyond the end", [0x0a, 5, 1]],
    ["a truncated fixed64", [0x09, 1, 2]],
    ["wire type 6", [0x0e]],
    ["a group that does not end", [0x0b, 0x08, 1]],
    ["a group that ends as another", [0x0b, 0x14]],
    ["the end of no group", [0x0c]],
    ["groups nested 100,000 deep", new Array<number>(100_000).fill(0x0b)],
  ])("%s is refused", (_, bytes) => {
    expect(() => drain(new Uint8Array(bytes))).toThrow(WireError);
  });

  test("numbers that would be rounded are refused", () => {
    expect(() =>
      new ProtoReader(new Uint8Array([255, 255, 255, 255, 255, 255, 255, 255, 1])).uint64(),
    ).toThrow(WireError);
  });

  test("depth and element count are bounded", () => {
    const enterAll = (bytes: Uint8Array): void => {
      const reader = new ProtoReader(bytes, { depth: 3, elements: 5 });
      const visit = (): void => {
        while (reader.tag() !== 0) {
          const outer = reader.enter();
          visit();
          reader.leave(outer);
        }
      };
      visit();
    };
    expect(() => enterAll(new Uint8Array([10, 6, 10, 4, 10, 2, 10, 0]))).toThrow(
      "nested too deeply",
    );
    expect(() => enterAll(new Uint8Array([10, 4, 10, 2, 10, 0]))).not.toThrow();
    expect(() => enterAll(new Uint8Array([10, 0, 10, 0, 10, 0, 10, 0, 10, 0]))).not.toThrow();
    expect(() => enterAll(new Uint8Array([10, 0, 10, 0, 10, 0, 10, 0, 10, 0, 10, 0]))).toThrow(
      "too many",
    );
  });

  test("a string that is not UTF-8 and a key that would reach the prototype are refused", () => {
    const reader = new ProtoReader(new Uint8Array([2, 0xc3, 0x28]));
    expect(() => reader.string()).toThrow(WireError);
    const bytes = written((writer) => writer.map(1, JSON.parse('{"__proto__":"x"}')));
    const entries = new ProtoReader(bytes);
    entries.tag();
    expect(() => entries.mapEntry({})).toThrow(WireError);
  });
});
