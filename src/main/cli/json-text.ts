const TOKENS = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;
/** Control characters that JSON allows within strings and a terminal would act on. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * JSON text on one line. Works on the text and not on its value, so that a number beyond 2^53 stays
 * what it is. The text must be valid.
 */
export function compactJson(text: string): string {
  return escapeUnsafe((text.match(TOKENS) ?? []).join(""));
}

/** JSON text with two blanks per level; numbers stay as they were written. */
export function prettyJson(text: string): string {
  let depth = 0;
  let shown = "";
  const tokens = text.match(TOKENS) ?? [];
  const line = (): string => `\n${"  ".repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      const empty = next === "}" || next === "]";
      depth += 1;
      shown += empty ? token : token + line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const before = tokens[index - 1];
      shown += before === "{" || before === "[" ? token : line() + token;
    } else if (token === ",") shown += `,${line()}`;
    else if (token === ":") shown += ": ";
    else shown += token;
  }
  return escapeUnsafe(shown);
}

function escapeUnsafe(text: string): string {
  return text.replaceAll(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
