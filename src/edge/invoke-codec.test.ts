import { describe, expect, test } from "bun:test";
import { create, fromBinary, fromJsonString, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../domain/limits.ts";
import type { Reply } from "../domain/invocation.ts";
import {
  GetStateRequestSchema,
  GetStateResponseSchema,
  InvokeRequestSchema,
  InvokeResponseSchema,
  InvokeStreamRequestSchema,
  InvokeStreamResponseSchema,
} from "../gen/troupe/v1/actor_pb.ts";
import { ServerError } from "../domain/error.ts";
import { decodeMessage } from "./gates/message.ts";
import {
  decodeGetState,
  decodeInvoke,
  replyJson,
  stateJson,
  writeReply,
  writeState,
} from "./invoke-codec.ts";
import { callOfMessage, callOfStateMessage, replyMessage, stateMessage } from "./invoke-message.ts";
import { decodeCallFrame, writeRefusal, writeResult } from "./stream-codec.ts";
import { ProtoWriter } from "./wire/writer.ts";

const text = fc.string({ unit: "grapheme", maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 200 });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const names = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { maxKeys: 5 },
);

const payload = fc.record({ type: text, data: bytes });
const requests = fc.record(
  {
    actor: fc.record({ system: text, type: text, key: text }),
    action: text,
    payload,
    requestId: text,
    metadata: names,
    timeout: fc.record({
      seconds: fc.nat({ max: 100_000 }).map(BigInt),
      nanos: fc.nat({ max: 999 }).map((ms) => ms * 1_000_000),
    }),
    trace: fc.record({ traceparent: text, tracestate: text }),
    turnToken: text,
    stream: fc.record({ streamId: text, seq: count.map(BigInt) }),
    expectedRevision: count.map(BigInt),
    consistency: fc.constantFrom(0, 1, 2),
  },
  { requiredKeys: [] },
);
const replies: fc.Arbitrary<Reply> = fc.record({
  payload,
  revision: count,
  durable: fc.boolean(),
  replayed: fc.boolean(),
  metadata: names,
  tags: names,
});

describe("the hand-made codec agrees with the generated one", () => {
  test("on requests", () => {
    fc.assert(
      fc.property(requests, (fields) => {
        const message = create(InvokeRequestSchema, fields as never);
        const encoded = toBinary(InvokeRequestSchema, message);
        expect(decodeInvoke(encoded, DEFAULT_LIMITS)).toEqual(
          callOfMessage(fromBinary(InvokeRequestSchema, encoded)),
        );
        expect(decodeMessage(InvokeRequestSchema, encoded, false, DEFAULT_LIMITS)).toEqual(message);
      }),
    );
  });

  test("on reads of the state", () => {
    fc.assert(
      fc.property(fc.record({ system: text, type: text, key: text }), (actor) => {
        const encoded = toBinary(GetStateRequestSchema, create(GetStateRequestSchema, { actor }));
        const message = fromBinary(GetStateRequestSchema, encoded);
        expect(decodeGetState(encoded, DEFAULT_LIMITS)).toEqual(callOfStateMessage(message));
      }),
    );
  });

  test("on replies, in both formats", () => {
    const writer = new ProtoWriter();
    fc.assert(
      fc.property(replies, (reply) => {
        writer.reset();
        writeReply(writer, reply);
        expect(fromBinary(InvokeResponseSchema, writer.finish())).toEqual(replyMessage(reply));
        expect(fromJsonString(InvokeResponseSchema, replyJson(reply))).toEqual(replyMessage(reply));
        writer.reset();
        writeState(writer, reply);
        expect(fromBinary(GetStateResponseSchema, writer.finish())).toEqual(stateMessage(reply));
        expect(fromJsonString(GetStateResponseSchema, stateJson(reply))).toEqual(
          stateMessage(reply),
        );
      }),
    );
  });

  test("on frames of calls", () => {
    const calls = fc.array(fc.record({ id: count.map(BigInt), request: requests }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(calls, fc.array(count), (calls, cancel) => {
        const frame = { calls, cancel: cancel.map(BigInt) };
        const message = create(InvokeStreamRequestSchema, frame as never);
        const encoded = toBinary(InvokeStreamRequestSchema, message);
        const decoded = decodeCallFrame(encoded, DEFAULT_LIMITS);
        expect(decoded.cancel).toEqual(cancel);
        expect(decoded.calls).toEqual(
          message.calls.map(({ id, request }) => ({
            id: Number(id),
            call: callOfMessage(request ?? create(InvokeRequestSchema)),
          })),
        );
      }),
    );
  });

  test("on frames of results", () => {
    const writer = new ProtoWriter();
    const error = new ServerError("mailbox.full", "full", "not_started", { retryAfterMs: 1_500 });
    fc.assert(
      fc.property(replies, count, (reply, id) => {
        writer.reset();
        writeResult(writer, id, reply);
        writeRefusal(writer, id, error);
        const { results } = fromBinary(InvokeStreamResponseSchema, writer.finish());
        expect(results.map((result) => result.id)).toEqual([BigInt(id), BigInt(id)]);
        expect(results[0]?.result).toEqual({ case: "response", value: replyMessage(reply) });
        expect(results[1]?.result).toMatchObject({
          case: "error",
          value: { code: "resource_exhausted", message: "full", detail: { code: "mailbox.full" } },
        });
      }),
    );
  });
});

test("bytes that are no message are refused, and nothing else happens", () => {
  const decoders = [
    (input: Uint8Array) => decodeInvoke(input, DEFAULT_LIMITS),
    (input: Uint8Array) => decodeGetState(input, DEFAULT_LIMITS),
    (input: Uint8Array) => decodeCallFrame(input, DEFAULT_LIMITS),
    (input: Uint8Array) => decodeMessage(InvokeRequestSchema, input, false, DEFAULT_LIMITS),
    (input: Uint8Array) => decodeMessage(InvokeRequestSchema, input, true, DEFAULT_LIMITS),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (input) => {
      for (const decode of decoders) {
        try {
          decode(input);
        } catch (error) {
          expect((error as ServerError).code).toBe("request.invalid");
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
