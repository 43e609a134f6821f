import { describe, expect, test } from "bun:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ServerError } from "../../domain/error.ts";
import type { Caller, Invocation, Operation, Reply } from "../../domain/invocation.ts";
import { PeerFrameSchema } from "../../gen/troupe/internal/v1/peer_pb.ts";
import { WireError } from "../wire/reader.ts";
import { ProtoWriter } from "../wire/writer.ts";
import { readFrame } from "./incoming-frame.ts";
import { type ReceivedAnswer, writeError, writeReply } from "./wire-answer.ts";
import { type ReceivedCall, writeCall } from "./wire-call.ts";

const NOW = 1_000;
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const bytes = fc.uint8Array({ maxLength: 30 });
const map = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { maxKeys: 4 },
);
const actor = fc.record({ system: text, type: text, key: text });
// A payload without type and bytes is none, so it comes back as the one empty payload.
const payload = fc.record({ type: text, data: bytes });
const caller: fc.Arbitrary<Caller> = fc
  .record({
    kind: fc.constantFrom<Caller["kind"]>("anonymous", "client", "host", "peer", "admin", "system"),
    id: text,
    roles: fc.array(text, { maxLength: 3 }),
    actor: fc.option(actor, { nil: undefined }),
  })
  .map(({ actor: of, ...rest }) => ({ ...rest, ...(of !== undefined && { actor: of }) }));
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constant<Operation>({ kind: "state" }),
  fc.boolean().map((shred): Operation => ({ kind: "delete", shred })),
  fc
    .record({ state: fc.option(payload, { nil: undefined }), tags: map })
    .map((rest): Operation => ({ kind: "restore", ...rest })),
);
const call: fc.Arbitrary<Invocation> = fc
  .record({
    actor,
    action: text,
    payload,
    requestId: text,
    metadata: map,
    caller,
    chain: fc.array(actor, { maxLength: 3 }),
    remainingMs: fc.nat({ max: 86_400_000 }),
    hops: fc.nat({ max: 5 }),
    expectedRevision: fc.option(fc.maxSafeNat(), { nil: undefined }),
    stream: fc.option(fc.record({ streamId: fc.constantFrom("a", "b"), seq: fc.maxSafeNat() }), {
      nil: undefined,
    }),
    operation: fc.option(operation, { nil: undefined }),
  })
  .map(({ remainingMs, expectedRevision, stream, operation: asked, ...rest }) => ({
    ...rest,
    trace: undefined,
    deadlineMs: NOW + remainingMs,
    ...(expectedRevision !== undefined && { expectedRevision }),
    ...(stream !== undefined && { stream }),
    ...(asked !== undefined && { operation: asked }),
  }));
const reply: fc.Arbitrary<Reply> = fc
  .record({
    payload,
    revision: fc.maxSafeNat(),
    durable: fc.boolean(),
    replayed: fc.boolean(),
    metadata: map,
    tags: fc.option(map, { nil: undefined }),
  })
  .map(({ tags, ...rest }) => ({ ...rest, ...(tags !== undefined && { tags }) }));

interface Read {
  readonly calls: ReceivedCall[];
  readonly answers: ReceivedAnswer[];
  readonly cancels: number[];
}

function read(frame: Uint8Array): Read {
  const found: Read = { calls: [], answers: [], cancels: [] };
  readFrame(frame, NOW, {
    call: (one) => found.calls.push(one),
    answer: (one) => found.answers.push(one),
    cancel: (id) => found.cancels.push(id),
    message: () => undefined,
    ping: () => undefined,
  });
  return found;
}

function written(write: (writer: ProtoWriter) => void): Uint8Array {
  const writer = new ProtoWriter(64);
  write(writer);
  return writer.finish();
}

/** The same frame as the library writes it, so that the two agree on the protocol. */
function rewritten(frame: Uint8Array): Uint8Array {
  return toBinary(PeerFrameSchema, fromBinary(PeerFrameSchema, frame));
}

describe("frames between members", () => {
  test("any call comes back, from our bytes and from the library's", () => {
    fc.assert(
      fc.property(call, fc.maxSafeNat(), fc.maxSafeNat(), (invocation, id, epochSeen) => {
        const frame = written((writer) => writeCall(writer, 4, id, invocation, epochSeen, NOW));
        for (const one of [frame, rewritten(frame)]) {
          expect(read(one).calls).toEqual([{ id, invocation, epochSeen }]);
        }
      }),
    );
  });

  test("any reply comes back", () => {
    fc.assert(
      fc.property(reply, fc.maxSafeNat(), (one, id) => {
        const frame = written((writer) => writeReply(writer, 5, id, one));
        for (const bytesOf of [frame, rewritten(frame)]) {
          expect(read(bytesOf).answers).toEqual([{ id, reply: one }]);
        }
      }),
    );
  });

  test("an error keeps its code, its outcome and what clients are told", () => {
    const details = {
      reason: "CYCLE",
      retryAfterMs: 20,
      currentRevision: 7,
      committed: true,
      hostCode: "not_found",
      owner: "n2",
      cycle: [{ system: "s", type: "t", key: "k" }],
    };
    const error = new ServerError("call.cycle", "a cycle", "not_applied", {
      ...details,
      cause: new Error("stays here"),
    });
    const [answer] = read(written((writer) => writeError(writer, 5, 3, error))).answers;
    if (answer === undefined || !("error" in answer)) throw new Error("no error came back");
    const { code, message, outcome } = answer.error;
    expect({ id: answer.id, code, message, outcome, details: answer.error.details }).toEqual({
      id: 3,
      code: "call.cycle",
      message: "a cycle",
      outcome: "not_applied",
      details,
    });
  });

  test("a code or an outcome of a later release means the worst", () => {
    const odd = new ServerError("request.invalid", "m", "not_started");
    const strange = Object.assign(odd, { code: "future.code", outcome: "perhaps" });
    const [answer] = read(written((writer) => writeError(writer, 5, 1, strange))).answers;
    expect(answer).toMatchObject({ error: { code: "internal.bug", outcome: "unknown" } });
  });

  test("ids of cancelled calls are read packed and one by one", () => {
    const single = written((writer) => {
      writer.presentUint(6, 1);
      writer.presentUint(6, 300);
    });
    expect(read(single).cancels).toEqual([1, 300]);
    expect(read(rewritten(single)).cancels).toEqual([1, 300]);
  });

  test("other bytes throw a wire error and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (frame) => {
        try {
          read(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
