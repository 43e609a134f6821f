import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameReader } from "./frame-reader.ts";

function framed(bodies: readonly Uint8Array[]): Uint8Array {
  const parts = bodies.flatMap((body) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    return [head, body];
  });
  return new Uint8Array(Buffer.concat(parts));
}

test("frames come out whole and in order, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 }),
      (bodies, cuts) => {
        const seen: Uint8Array[] = [];
        const reader = new FrameReader(64, (frame) => seen.push(frame.slice()));
        const stream = framed(bodies);
        let at = 0;
        for (let i = 0; at < stream.length; i += 1) {
          const end = at + (cuts[i % cuts.length] as number);
          expect(reader.push(stream.slice(at, end))).toBeUndefined();
          at = end;
        }
        expect(seen).toEqual(bodies);
      },
    ),
  );
});

test("a frame that is too long ends the stream before its body is read", () => {
  const seen: Uint8Array[] = [];
  const reader = new FrameReader(8, (frame) => seen.push(frame.slice()));
  const good = framed([new Uint8Array(8)]);
  expect(reader.push(good)).toBeUndefined();
  expect(reader.push(Uint8Array.of(0, 0, 0, 9))).toBe("frame_too_large");
  expect(new FrameReader(8, () => undefined).push(Uint8Array.of(255, 255, 255, 255, 1))).toBe(
    "frame_too_large",
  );
  expect(seen).toHaveLength(1);
});
