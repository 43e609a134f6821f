import { expect, test } from "bun:test";
import fc from "fast-check";
import { MessageReader, packetsOf, type TdsMessage } from "./tds-packets.ts";

const message = fc.record({
  type: fc.constantFrom(0x01, 0x03, 0x0e, 0x12),
  payload: fc.uint8Array({ maxLength: 3_000 }),
});

test("messages come back whole, however a socket cuts them", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.integer({ min: 9, max: 1_000 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      (messages, packetBytes, cuts) => {
        const bytes = Buffer.concat(
          messages.map(({ type, payload }) => packetsOf(type, payload, packetBytes)),
        );
        const reader = new MessageReader();
        const read: TdsMessage[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const length = cuts[cut % cuts.length] ?? 1;
          read.push(...reader.push(bytes.subarray(at, at + length)));
          at += length;
        }
        expect(reader.idle).toBe(true);
        const expected = messages.map(({ type, payload }) => ({
          type,
          ignored: false,
          payload: Buffer.from(payload),
        }));
        expect(read).toEqual(expected);
      },
    ),
  );
});

test("a length that no packet has is refused", () => {
  const reader = new MessageReader();
  expect(() => reader.push(Buffer.from([1, 1, 0, 7, 0, 0, 1, 0]))).toThrow("7 bytes");
});
