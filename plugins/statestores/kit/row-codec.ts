import type { StringMap } from "../../../src/contract/index.ts";

const NO_TAGS: StringMap = Object.freeze({});

/**
 * The text column of tags. Keys are sorted, so that equal tags are equal text. U+FFFD is escaped:
 * unescaped it can then only be what a reader made of broken UTF-8.
 */
export function encodeTags(tags: StringMap): string {
  const names = Object.keys(tags);
  if (names.length === 0) return "{}";
  if (names.length > 1) names.sort();
  return JSON.stringify(tags, names).replaceAll("\uFFFD", "\\ufffd");
}

/** Tags from their column, or `undefined` if the text is not a map of strings. */
export function decodeTags(text: unknown): StringMap | undefined {
  if (text === "{}") return NO_TAGS;
  if (!isCleanText(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    const tags = parsed as Record<string, unknown>;
    for (const name of Object.keys(tags)) if (typeof tags[name] !== "string") return undefined;
    return tags as StringMap;
  } catch {
    return undefined;
  }
}

/** True for text that can have been written by a store: no NUL and no mark of broken UTF-8. */
export function isCleanText(text: unknown): text is string {
  return typeof text === "string" && !text.includes("\0") && !text.includes("\uFFFD");
}

/** Why a position cannot be served, or `undefined` if it can. Integers come as `bigint`. */
export function positionDamage(
  epoch: unknown,
  revision: unknown,
  hasState: boolean,
): string | undefined {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  if (typeof epoch !== "bigint" || epoch < 0n) return "EPOCH_INVALID";
  if (typeof revision !== "bigint" || revision < 0n) return "REV_INVALID";
  if (epoch >= limit) return "EPOCH_EXHAUSTED";
  if (revision >= limit) return "REV_EXHAUSTED";
  return hasState && revision === 0n ? "REV_INVALID" : undefined;
}
