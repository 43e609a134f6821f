import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Reply } from "../domain/invocation.ts";
import { decodeReply, encodeReply } from "./reply-codec.ts";

const reply = fc.record({
  payload: fc.record({ type: fc.string({ maxLength: 100 }), data: fc.uint8Array() }),
  revision: fc.maxSafeNat(),
  metadata: fc.dictionary(
    fc.string().filter((name) => name !== "__proto__"),
    fc.string(),
    { noNullPrototype: true },
  ),
});

describe("a recorded reply", () => {
  test("comes back as it was, marked as replayed", () => {
    fc.assert(
      fc.property(reply, (parts) => {
        const given: Reply = { ...parts, durable: true, replayed: false };
        expect(decodeReply(encodeReply(given))).toEqual({ ...given, replayed: true });
      }),
    );
  });

  test("is refused, never guessed, when its bytes are damaged", () => {
    fc.assert(
      fc.property(reply, fc.nat(), (parts, cut) => {
        const bytes = encodeReply({ ...parts, durable: true, replayed: false });
        const head = 15 + Buffer.byteLength(parts.payload.type);
        const short = bytes.subarray(0, cut % head);
        expect(() => decodeReply(short)).toThrow(
          expect.objectContaining({ code: "state.corrupt" }),
        );
      }),
    );
  });

  test.each([
    ["another version", [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
    ["metadata that is no JSON", [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0x7b]],
    ["a type that is no UTF-8", [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xff]],
  ])("is refused with %s", (_, bytes) => {
    expect(() => decodeReply(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "state.corrupt" }),
    );
  });
});
