import type { StringMap } from "../../domain/invocation.ts";
import { EMPTY_MAP } from "../../domain/invocation.ts";
import type { Limits } from "../../domain/limits.ts";
import { refuse } from "./refusal.ts";
import { utf8Length } from "./utf8-length.ts";

const KEY = /^[!-9;-~]+$/;
const KEY_LIMIT = 128;
// What could end a header line where a host or a broker carries metadata in headers.
const LINE_ENDS = /[\0\r\n]/;

/** Credentials and the server's own entries never travel on to actors, hosts or the statestore. */
function isDropped(key: string): boolean {
  const name = key.toLowerCase();
  return (
    name === "authorization" ||
    name === "proxy-authorization" ||
    name === "cookie" ||
    name === "set-cookie" ||
    name.startsWith("x-internal-")
  );
}

/**
 * The metadata that travels with a call or stays as tags: within the limits, without credentials.
 * Throws `ServerError` (`request.invalid`) if there is too much of it.
 */
export function checkedMetadata(entries: StringMap, limits: Limits): StringMap {
  const keys = Object.keys(entries);
  if (keys.length === 0) return EMPTY_MAP;
  if (keys.length > limits.metadataEntries) throw refuse("METADATA_TOO_MANY");
  const kept: Record<string, string> = {};
  let total = 0;
  for (const key of keys) {
    const value = entries[key] ?? "";
    if (key.length > KEY_LIMIT || !KEY.test(key)) throw refuse("METADATA_KEY");
    if (LINE_ENDS.test(value)) throw refuse("METADATA_VALUE");
    const bytes = utf8Length(value);
    if (bytes > limits.metadataValueBytes) throw refuse("METADATA_VALUE_TOO_LARGE");
    total += key.length + bytes;
    if (!isDropped(key)) kept[key] = value;
  }
  if (total > limits.metadataBytes) throw refuse("METADATA_TOO_LARGE");
  return kept;
}
