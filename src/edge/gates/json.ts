import { refuse } from "./refusal.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const EXPONENT_LETTERS = 0x65;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const LONG_NUMBER = 300;
const STRICT_UTF8 = { fatal: true, ignoreBOM: true } as const;

/** What one JSON text may hold. */
export interface JsonLimits {
  readonly depth: number;
  readonly elements: number;
}

/**
 * Looks over a JSON text before anything is made of it: nesting and number of elements. True if it
 * may hold a number beyond what a double can carry.
 */
function scan(bytes: Uint8Array, limits: JsonLimits): boolean {
  let depth = 0;
  let elements = 0;
  let quoted = false;
  let digits = 0;
  let huge = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
      continue;
    }
    if (byte >= 0x30 && byte <= 0x39) {
      digits += 1;
      huge ||= digits > LONG_NUMBER;
      continue;
    }
    // "e" directly after a digit is an exponent; in true and false it is not.
    huge ||= digits > 0 && (byte | 0x20) === EXPONENT_LETTERS;
    digits = 0;
    if (byte === QUOTE) quoted = true;
    else if (byte === COMMA) elements += 1;
    else if (OPENING.has(byte)) {
      depth += 1;
      elements += 1;
      if (depth > limits.depth) throw refuse("DEPTH");
    } else if (CLOSING.has(byte)) depth -= 1;
  }
  if (elements > limits.elements) throw refuse("TOO_MANY_ELEMENTS");
  return huge;
}

/** The text of a JSON body within the limits. Throws `ServerError` if it is not UTF-8 or too deep. */
export function checkedJsonText(bytes: Uint8Array, limits: JsonLimits): string {
  scan(bytes, limits);
  return utf8(bytes);
}

/** Throws `ServerError` unless the bytes are one JSON value whose numbers a double can carry. */
export function checkJsonValue(bytes: Uint8Array, limits: JsonLimits): void {
  const huge = scan(bytes, limits);
  const text = utf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("JSON");
  }
  if (huge && !isFinite(value)) throw refuse("JSON");
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
