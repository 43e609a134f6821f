import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Payload, StringMap } from "../domain/invocation.ts";
import { EMPTY_PAYLOAD } from "../domain/invocation.ts";
import type { HostResult, TurnFailure, TurnOutcome } from "../domain/turn.ts";
import { EffectSchema } from "../gen/troupe/v1/invocation_pb.ts";
import { failureOf } from "./actor-runner.ts";
import { effectMessage } from "./effect-message.ts";

const { LengthDelimited, Varint } = WireType;

/**
 * An encoded `InvocationResult`, written field by field because every turn pays for it; `before` are
 * the tags that the invocation came with. A result that the protocol cannot carry, say for a delay
 * that is no number, becomes a failure of the invocation.
 */
export function encodeResult(result: HostResult, before: StringMap): Uint8Array {
  try {
    return encode(result, before);
  } catch (error) {
    const { id } = result;
    const failure = failureOf(error);
    return encode({ id, outcomes: [], state: undefined, tags: undefined, failure }, before);
  }
}

function encode({ id, outcomes, state, tags, failure }: HostResult, before: StringMap): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, Varint).uint64(id);
  for (const outcome of outcomes) {
    writer.tag(2, LengthDelimited).fork();
    writeOutcome(writer, outcome);
    writer.join();
  }
  if (state !== undefined) writePayload(writer, 3, state);
  if (tags !== undefined) writeTagChange(writer, tags, before);
  if (failure !== undefined) writeFailure(writer, 5, failure);
  return writer.finish();
}

function writeOutcome(writer: BinaryWriter, outcome: TurnOutcome): void {
  const { turnId, reply, failure, changed, effects, state, metadata } = outcome;
  writer.tag(1, Varint).uint64(turnId);
  if (failure !== undefined) return writeFailure(writer, 3, failure);
  if (reply !== EMPTY_PAYLOAD) writePayload(writer, 2, reply);
  if (changed) writer.tag(4, Varint).bool(true);
  for (const effect of effects) {
    const bytes = toBinary(EffectSchema, create(EffectSchema, effectMessage(effect)));
    writer.tag(5, LengthDelimited).bytes(bytes);
  }
  if (state !== undefined) writePayload(writer, 6, state);
  for (const name in metadata) writeEntry(writer, 7, name, metadata[name]);
}

function writePayload(writer: BinaryWriter, field: number, { type, data }: Payload): void {
  writer.tag(field, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).string(type);
  writer.tag(2, LengthDelimited).bytes(data);
  writer.join();
}

function writeFailure(writer: BinaryWriter, field: number, { code, message }: TurnFailure): void {
  writer.tag(field, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).string(code);
  writer.tag(2, LengthDelimited).string(message);
  writer.join();
}

function writeTagChange(writer: BinaryWriter, after: StringMap, before: StringMap): void {
  writer.tag(4, LengthDelimited).fork();
  for (const name in after) {
    if (before[name] !== after[name]) writeEntry(writer, 1, name, after[name]);
  }
  for (const name in before) {
    if (!Object.hasOwn(after, name)) writer.tag(2, LengthDelimited).string(name);
  }
  writer.join();
}

/** User code may have put anything into a map of strings. */
function writeEntry(writer: BinaryWriter, field: number, name: string, value: unknown): void {
  if (typeof value !== "string")
    throw new TypeError(`"${name}" is ${typeof value} and not a string`);
  writer.tag(field, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).string(name);
  writer.tag(2, LengthDelimited).string(value);
  writer.join();
}
