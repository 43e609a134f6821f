import { expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkedDecoder } from "./chunked-decoder.ts";

/** Feeds `bytes` cut at `cuts`; answers the data and how many bytes were left over, or -1. */
function decode(bytes: Buffer, cuts: readonly number[]): { data: string; left: number } {
  const decoder = new ChunkedDecoder();
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  let data = "";
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    if (decoder.done) break;
    const part = bytes.subarray(from, end);
    const used = decoder.feed(part, 0, (chunk) => {
      data += Buffer.from(chunk).toString("latin1");
    });
    if (used < 0) return { data, left: -1 };
    from += used;
  }
  return { data, left: decoder.done ? bytes.length - from : -1 };
}

test("any chunks, cut anywhere, give the same data and leave what follows alone", () => {
  const chunk = fc.stringMatching(/^[a-z\r\n:;0]{1,40}$/);
  fc.assert(
    fc.property(fc.array(chunk), fc.array(fc.nat(2000)), fc.boolean(), (chunks, cuts, trailer) => {
      const coded = chunks.map((c) => `${c.length.toString(16)};e=1\r\n${c}\r\n`).join("");
      const end = `0\r\n${trailer ? "x: y\r\n" : ""}\r\n`;
      const next = "GET / HTTP/1.1\r\n";
      const result = decode(Buffer.from(coded + end + next, "latin1"), cuts);
      expect(result).toEqual({ data: chunks.join(""), left: next.length });
    }),
  );
});

test("any bytes at all end in data, a wait or a refusal, never in a throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (bytes, cuts) => {
      decode(Buffer.from(bytes), cuts);
    }),
  );
});
