import { refuse } from "./refusal.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
/** What a text looks like that may hold a number beyond what a double can carry. */
const HUGE_NUMBER = /\d[eE]|\d{300}/;
const STRICT_UTF8 = { fatal: true, ignoreBOM: true } as const;

/** What one JSON text may hold. */
export interface JsonLimits {
  readonly depth: number;
  readonly elements: number;
}

/** Looks over a JSON text before anything is made of it: nesting and number of elements. */
function scan(bytes: Uint8Array, limits: JsonLimits): void {
  let depth = 0;
  let elements = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COMMA) elements += 1;
    else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      depth += 1;
      elements += 1;
      if (depth > limits.depth) throw refuse("DEPTH");
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth -= 1;
  }
  if (elements > limits.elements) throw refuse("TOO_MANY_ELEMENTS");
}

/** The text of a JSON body within the limits. Throws `ServerError` if it is not UTF-8 or too deep. */
export function checkedJsonText(bytes: Uint8Array, limits: JsonLimits): string {
  scan(bytes, limits);
  return utf8(bytes);
}

/** Throws `ServerError` unless the bytes are one JSON value whose numbers a double can carry. */
export function checkJsonValue(bytes: Uint8Array, limits: JsonLimits): void {
  scan(bytes, limits);
  const text = utf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("JSON");
  }
  if (HUGE_NUMBER.test(text) && !isFinite(value)) throw refuse("JSON");
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", STRICT_UTF8).decode(bytes);
  } catch {
    throw refuse("JSON");
  }
}

/** False if a number anywhere within is infinite. Nesting is bounded by the scan before. */
function isFinite(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isFinite);
}
