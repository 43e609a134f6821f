import { EMPTY_PAYLOAD, JSON_TYPE, type Payload } from "../domain/invocation.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** True for a value that is a payload already and travels as it is. */
export function isPayload(value: unknown): value is Payload {
  return (
    typeof value === "object" &&
    value !== null &&
    "data" in value &&
    value.data instanceof Uint8Array &&
    "type" in value &&
    typeof value.type === "string"
  );
}

/** A JSON payload; `undefined` is the empty one and a `Payload` stays what it is. */
export function toPayload(value: unknown): Payload {
  if (value === undefined) return EMPTY_PAYLOAD;
  if (isPayload(value)) return value;
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof value} cannot be written as JSON`);
  return jsonPayload(text);
}

/** A payload of JSON text. */
export function jsonPayload(text: string): Payload {
  return { type: JSON_TYPE, data: ENCODER.encode(text) };
}

/** The text of a payload. */
export function payloadText(payload: Payload): string {
  return DECODER.decode(payload.data);
}

/** The JSON value of a payload; `undefined` if it is empty, the payload itself if it is no JSON. */
export function fromPayload(payload: Payload): unknown {
  if (payload.data.length === 0) return undefined;
  if (payload.type !== JSON_TYPE && payload.type !== "") return payload;
  return JSON.parse(payloadText(payload));
}
