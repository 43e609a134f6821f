import type { DescEnum, DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, fromJsonString, ScalarType } from "@bufbuild/protobuf";
import type { Limits } from "../../domain/limits.ts";
import type { ServerError } from "../../domain/error.ts";
import { ProtoReader, WireError } from "../wire/reader.ts";
import { checkedJsonText } from "./json.ts";
import { refuse } from "./refusal.ts";

const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const FIXED_32 = 5;

const WIRE_TYPES: Readonly<Partial<Record<ScalarType, number>>> = {
  [ScalarType.DOUBLE]: FIXED_64,
  [ScalarType.FIXED64]: FIXED_64,
  [ScalarType.SFIXED64]: FIXED_64,
  [ScalarType.FLOAT]: FIXED_32,
  [ScalarType.FIXED32]: FIXED_32,
  [ScalarType.SFIXED32]: FIXED_32,
  [ScalarType.STRING]: DELIMITED,
  [ScalarType.BYTES]: DELIMITED,
};

/**
 * The message in these bytes, checked before anything is allocated for it: nesting, number of
 * elements, UTF-8, wire types and enum values; unknown fields of JSON are refused, unknown fields of
 * the binary format are skipped, as the format promises. Throws `ServerError` (`request.invalid`).
 */
export function decodeMessage<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
  json: boolean,
  limits: Limits,
): MessageShape<Desc> {
  try {
    if (json) {
      const jsonLimits = {
        depth: limits.messageDepth,
        elements: limits.messageElements + SINGLE_PARTS,
      };
      const text = checkedJsonText(bytes, jsonLimits);
      const options = { ignoreUnknownFields: false, recursionLimit: limits.messageDepth };
      return fromJsonString(desc, text, options);
    }
    walk(desc, readerOf(bytes, limits));
    const options = { readUnknownFields: false, recursionLimit: limits.messageDepth };
    return fromBinary(desc, bytes, options);
  } catch (error) {
    throw decodeError(error);
  }
}

/** Nested messages of a request that are no elements of a list or map, with room for later ones. */
const SINGLE_PARTS = 100;

/** A reader that keeps the limits of a message. */
export function readerOf(bytes: Uint8Array, limits: Limits): ProtoReader {
  const elements = limits.messageElements + SINGLE_PARTS;
  return new ProtoReader(bytes, { depth: limits.messageDepth, elements });
}

/** What a failed decode is to the caller, whichever library found it; refusals pass as they are. */
export function decodeError(error: unknown): ServerError {
  if (error instanceof Error && error.name === "ServerError") return error as ServerError;
  const text = error instanceof Error ? error.message : "";
  if (/too deeply|recursion/.test(text)) return refuse("DEPTH");
  if (/too many elements/.test(text)) return refuse("TOO_MANY_ELEMENTS");
  return refuse("MALFORMED");
}

function walk(desc: DescMessage, reader: ProtoReader): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const field = desc.fields.find(({ number }) => number === tag >>> 3);
    if (field === undefined) reader.skip(tag);
    else walkField(field, tag, reader);
  }
}

function walkField(field: DescField, tag: number, reader: ProtoReader): void {
  if (field.fieldKind === "map") {
    expectWire(tag, DELIMITED);
    // Every map of the protocol is map<string, string>.
    return reader.mapEntry({});
  }
  if (field.message !== undefined) {
    expectWire(tag, DELIMITED);
    const outer = reader.enter();
    walk(field.message, reader);
    return reader.leave(outer);
  }
  if (field.enum !== undefined) {
    expectWire(tag, VARINT);
    return checkEnum(field.enum, reader.uint32());
  }
  walkScalar(field.scalar ?? ScalarType.BYTES, field.fieldKind === "list", tag, reader);
}

function walkScalar(scalar: ScalarType, list: boolean, tag: number, reader: ProtoReader): void {
  const wire = WIRE_TYPES[scalar] ?? VARINT;
  if (list && wire !== DELIMITED && (tag & 7) === DELIMITED) {
    for (const byte of reader.view()) if (wire !== VARINT || byte < 0x80) reader.count();
    return;
  }
  expectWire(tag, wire);
  if (list) reader.count();
  if (scalar === ScalarType.STRING) reader.string();
  else reader.skip(tag);
}

function expectWire(tag: number, wire: number): void {
  if ((tag & 7) !== wire) throw new WireError("a field has the wrong wire type");
}

function checkEnum(desc: DescEnum, value: number): void {
  if (desc.value[value] === undefined) throw refuse("UNKNOWN_ENUM");
}
