import type { PolicyReason } from "./policy-problem.ts";

/** Longest pattern, in characters. */
const MAX_PATTERN = 256;

// Control and format characters (zero-width ones among them) and separators other than the space.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const OTHER_GLOBS = /\*\*|[?[\]{}\\!]/;

/** Text in which `*` stands for any run of characters, none included. */
export class Pattern {
  readonly text: string;
  /** What lies between the stars. */
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.text = text;
    this.#parts = text.split("*");
  }

  get matchesAll(): boolean {
    return this.text === "*";
  }

  /** True if the whole of `value` fits. Takes no more than length × parts steps. */
  matches(value: string): boolean {
    const parts = this.#parts;
    const first = parts[0] ?? "";
    const last = parts[parts.length - 1] ?? "";
    if (parts.length === 1) return value === first;
    if (value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    let at = first.length;
    const end = value.length - last.length;
    for (let index = 1; index < parts.length - 1; index += 1) {
      const part = parts[index] ?? "";
      const found = value.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  }

  /** True if everything that fits `other` fits this one too. May miss a case, never invents one. */
  covers(other: Pattern): boolean {
    return this.matches(other.text);
  }
}

/** What is wrong with the text of a pattern, if anything. */
export function patternProblem(
  text: string,
): { reason: PolicyReason; message: string } | undefined {
  if (text === "") return { reason: "empty_item", message: "an item is empty" };
  if (text.length > MAX_PATTERN) {
    return { reason: "too_long", message: `an item has more than ${MAX_PATTERN} characters` };
  }
  if (INVISIBLE.test(text) || text !== text.trim()) {
    return {
      reason: "charset",
      message: "an item holds invisible or surrounding blank characters",
    };
  }
  if (text !== text.normalize("NFC")) {
    return { reason: "not_nfc", message: `"${text}" is not in Unicode normal form C` };
  }
  if (OTHER_GLOBS.test(text)) {
    return { reason: "glob", message: `"${text}": only a single * is a wildcard` };
  }
  return undefined;
}
