import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { DEFAULT_LIMITS } from "../../domain/limits.ts";
import { AttachRequestSchema } from "../../gen/troupe/v1/host_pb.ts";
import { EffectSchema } from "../../gen/troupe/v1/invocation_pb.ts";
import { ProtoReader, WireError } from "../wire/reader.ts";
import { ProtoWriter } from "../wire/writer.ts";
import { readAttachFrame } from "./attach-frame.ts";
import { readEffect } from "./wire-effect.ts";

/** `bytes` as the one field of an outer message, which is how the reader meets them. */
function nested(bytes: Uint8Array): ProtoReader {
  const writer = new ProtoWriter();
  writer.presentBytes(1, bytes);
  const reader = new ProtoReader(writer.finish());
  reader.tag();
  return reader;
}

describe("an effect", () => {
  const target = { system: "", type: "t", key: "k" };
  const read = (effect: MessageInitShape<typeof EffectSchema>): unknown =>
    readEffect(nested(toBinary(EffectSchema, create(EffectSchema, effect))));

  test("that this server does not offer is named, never dropped", () => {
    expect(read({ effect: { case: "restore", value: { revision: 3n } } })).toEqual({
      kind: "unsupported",
      name: "restore",
    });
    expect(read({ effect: { case: "saga", value: { name: "s" } } })).toEqual({
      kind: "unsupported",
      name: "saga",
    });
    expect(read({ effect: { case: "gather", value: {} } })).toEqual({
      kind: "unsupported",
      name: "gather",
    });
    expect(read({ effect: { case: "monitor", value: { target } } })).toEqual({
      kind: "unsupported",
      name: "monitor",
    });
    expect(readEffect(nested(new Uint8Array([0x6a, 0])))).toEqual({
      kind: "unsupported",
      name: "number 13",
    });
    const when = { case: "delay", value: durationFromMs(5) } as const;
    const elsewhere = read({
      effect: { case: "schedule", value: { name: "n", action: "a", when, target } },
    });
    expect(elsewhere).toMatchObject({ kind: "unsupported" });
  });

  test("without a system means the default one", () => {
    expect(read({ effect: { case: "forward", value: { target, action: "a" } } })).toEqual({
      kind: "forward",
      target: { system: "default", type: "t", key: "k" },
      action: "a",
    });
  });

  test("that says nothing, or a schedule without a time, is refused", () => {
    expect(() => read({})).toThrow(WireError);
    expect(() => read({ effect: { case: "schedule", value: { name: "n", action: "a" } } })).toThrow(
      WireError,
    );
  });
});

test("a frame of the library is a frame of ours", () => {
  const message = create(AttachRequestSchema, {
    hello: { token: "t", version: 1, credit: 5, types: [{ type: "a" }] },
    results: [{ id: 7n }],
    calls: [{ id: 3n, request: { actor: target("a"), action: "x", turnToken: "tok" } }],
    credit: 9,
    types: [{ type: "b" }],
    ping: true,
    draining: true,
  });
  const frame = readAttachFrame(toBinary(AttachRequestSchema, message), DEFAULT_LIMITS);
  expect(frame.hello).toMatchObject({ token: "t", credit: 5 });
  expect(frame).toMatchObject({ credit: 9, ping: true, draining: true });
  expect([
    frame.results[0]?.id,
    frame.calls[0]?.id,
    frame.calls[0]?.call.turnToken,
    frame.types[0]?.type,
  ]).toEqual([7, 3, "tok", "b"]);
  expect(() => readAttachFrame(new Uint8Array([0x12, 200]), DEFAULT_LIMITS)).toThrow(
    "cannot be decoded",
  );
});

function target(key: string): { system: string; type: string; key: string } {
  return { system: "", type: "t", key };
}
