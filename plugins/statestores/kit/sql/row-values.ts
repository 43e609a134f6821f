import { createHash } from "node:crypto";
import { StoreFailure } from "../failure.ts";
import { isCleanText } from "../row-codec.ts";
import type { SqlValue } from "./sql-client.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A byte that UTF-8 does not have, behind text that ends with NUL. */
const NUL_MARK = 0xfe;

/**
 * Text as its column of bytes holds it. SQL Server takes bytes for equal that differ only in zeros at
 * their end, so text that ends with NUL is marked; `textOf` takes the mark off.
 */
export function utf8(text: string): Uint8Array {
  const bytes = ENCODER.encode(text);
  return bytes.at(-1) === 0 ? Uint8Array.of(...bytes, NUL_MARK) : bytes;
}

/** What columns that begin with `text` begin with. */
export function utf8Prefix(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/**
 * The digest by which actors are found that bear a tag: SHA-256 over system, NUL, length of the name,
 * NUL, name and value, so that no two tags have the same text before the hash.
 */
export function tagDigest(system: string, name: string, value: string): Uint8Array {
  return createHash("sha256").update(`${system}\0${name.length}\0${name}${value}`).digest();
}

/** A column of bytes as the text it was made of; marks of broken UTF-8 in place of what is broken. */
export function textOf(value: SqlValue | undefined): string {
  if (value instanceof Uint8Array) {
    return DECODER.decode(value.at(-1) === NUL_MARK ? value.subarray(0, -1) : value);
  }
  return value === null || value === undefined ? "" : String(value);
}

/** A column of bytes as text, or `undefined` if that text was not written by a store. */
export function cleanTextOf(value: SqlValue | undefined): string | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    const text = STRICT.decode(value);
    return isCleanText(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** An integer that a store wrote; integers beyond 2^53 lose their last digits. */
export function numberOf(value: SqlValue | undefined): number {
  return Number(value ?? 0);
}

/** An integer as `positionDamage` wants it, from drivers that give a `number`. */
export function integerOf(value: SqlValue | undefined): SqlValue | undefined {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

/** Bytes of a column that is never NULL. */
export function bytesOf(value: SqlValue | undefined, subject: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw unreadable(subject, "ROW_CORRUPT");
}

/** The refusal of a row that cannot be read. */
export function unreadable(subject: string, reason: string): StoreFailure {
  return new StoreFailure("state.corrupt", `${subject} cannot be read`, "not_applied", { reason });
}

/** Bytes as a key of a `Map`. */
export function hexOf(value: SqlValue | undefined): string {
  return value instanceof Uint8Array ? value.toHex() : "";
}
