import { createHash } from "node:crypto";
import type { StringMap } from "../../../src/contract/index.ts";
import { rawJsonMember } from "./json-member.ts";
import { decodeUtf8, entryOf, parseJson } from "./outside-event.ts";

/** A CloudEvent (CNCF CloudEvents 1.0): its attributes, and its data as the body. */
export interface CloudEvent {
  readonly attributes: StringMap;
  readonly body: Uint8Array;
}

/** `none`: the message is no CloudEvent. `malformed`: it says it is one, and is not. */
export type CloudEventReading =
  | { readonly kind: "none" }
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "event"; readonly event: CloudEvent };

const REQUIRED = ["specversion", "id", "source", "type"] as const;
const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";

/** Longest request id, in bytes. */
const REQUEST_ID_BYTES = 128;

/** Recognises the binary mode (headers) and the structured mode (one JSON object). */
export function readCloudEvent(headers: StringMap, body: Uint8Array): CloudEventReading {
  const contentType = (entryOf(headers, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (contentType === BATCH) return malformed("batches of events are not taken");
  if (contentType === STRUCTURED) return structured(body);
  return entryOf(headers, "ce-specversion") === undefined
    ? { kind: "none" }
    : binary(headers, body);
}

/**
 * The identity of an event: `source` and `id` together, as only the pair is unique. A pair that is
 * too long for a request id is replaced by its SHA-256.
 */
export function cloudEventRequestId(attributes: StringMap): string {
  const pair = `${entryOf(attributes, "source") ?? ""}#${entryOf(attributes, "id") ?? ""}`;
  const isPlain = /^[\x21-\x7e]+$/.test(pair) && pair.length <= REQUEST_ID_BYTES;
  return isPlain ? pair : `ce-${createHash("sha256").update(pair).digest("hex")}`;
}

function binary(headers: StringMap, body: Uint8Array): CloudEventReading {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith("ce-")) continue;
    try {
      // Header values are percent-encoded by the HTTP binding.
      attributes[name.slice(3)] = decodeURIComponent(value);
    } catch {
      return malformed(`header ${name} is not percent-encoded UTF-8`);
    }
  }
  return checked({ attributes, body });
}

function structured(body: Uint8Array): CloudEventReading {
  const text = decodeUtf8(body);
  const value = parseJson(text);
  if (text === undefined || typeof value !== "object" || value === null || Array.isArray(value)) {
    return malformed("a structured event is not a JSON object");
  }
  const attributes: Record<string, string> = {};
  for (const [name, each] of Object.entries(value)) {
    if (name === "data" || name === "data_base64" || each === null) continue;
    if (typeof each === "object") return malformed(`attribute ${name} is not a scalar`);
    attributes[name] = String(each);
  }
  return checked({ attributes, body: dataOf(text, value as Readonly<Record<string, unknown>>) });
}

function dataOf(text: string, value: Readonly<Record<string, unknown>>): Uint8Array {
  const { data, data_base64: base64, datacontenttype: type } = value;
  if (typeof base64 === "string") return new Uint8Array(Buffer.from(base64, "base64"));
  const isText = typeof data === "string" && typeof type === "string" && !/[/+]json\b/i.test(type);
  const raw = isText ? data : (rawJsonMember(text, "data") ?? "");
  return new TextEncoder().encode(raw);
}

function checked(event: CloudEvent): CloudEventReading {
  const missing = REQUIRED.find((name) => !entryOf(event.attributes, name));
  if (missing !== undefined) return malformed(`attribute ${missing} is missing`);
  const version = entryOf(event.attributes, "specversion") ?? "";
  if (!version.startsWith("1.")) return malformed(`specversion ${version} is not 1.x`);
  return { kind: "event", event };
}

function malformed(reason: string): CloudEventReading {
  return { kind: "malformed", reason };
}
