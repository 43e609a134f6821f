/** Control characters that JSON allows within strings and a terminal would act on. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * JSON text on one line. Works on the text and not on its value, so that a number beyond 2^53 stays
 * what it is. The text must be valid.
 */
export function compactJson(text: string): string {
  return escapeUnsafe(jsonTokens(text).join(""));
}

/** JSON text with two blanks per level; numbers stay as they were written. */
export function prettyJson(text: string): string {
  let depth = 0;
  const shown: string[] = [];
  const tokens = jsonTokens(text);
  const line = (): string => `\n${"  ".repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      const empty = next === "}" || next === "]";
      depth += 1;
      shown.push(empty ? token : token + line());
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const before = tokens[index - 1];
      shown.push(before === "{" || before === "[" ? token : line() + token);
    } else if (token === ",") shown.push(`,${line()}`);
    else shown.push(token === ":" ? ": " : token);
  }
  return escapeUnsafe(shown.join(""));
}

/** Strings, numbers, words and marks, without what is between them. */
function jsonTokens(text: string): string[] {
  // No expression matches whole strings here: engines give up on long ones without a word.
  const START = /[^\s]/g;
  const WORD_END = /[\s{}[\],:"]|$/g;
  const tokens: string[] = [];
  let at = 0;
  for (;;) {
    START.lastIndex = at;
    const start = START.exec(text)?.index;
    if (start === undefined) return tokens;
    const first = text.charAt(start);
    if (first === '"') at = stringEnd(text, start);
    else if ("{}[],:".includes(first)) at = start + 1;
    else {
      WORD_END.lastIndex = start;
      at = WORD_END.exec(text)?.index ?? text.length;
    }
    tokens.push(text.slice(start, at));
  }
}

/** The offset behind the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let quote = start;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) return text.length;
    let escapes = 0;
    while (text.charAt(quote - 1 - escapes) === "\\") escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
  }
}

function escapeUnsafe(text: string): string {
  return text.replaceAll(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
