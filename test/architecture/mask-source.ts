/**
 * Separates a TypeScript text into code and comments without a parser. Both results have the length
 * and the lines of the text, so that offsets mean the same in all three. States: code, line comment,
 * block comment, string, template (with nested code), regular expression.
 */

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))$/;

interface Cursor {
  readonly text: string;
  at: number;
  code: string;
  comments: string;
}

const blank = (part: string): string => part.replaceAll(/[^\n]/g, " ");

function take(cursor: Cursor, end: number, into: "code" | "comments" | "neither"): void {
  const part = cursor.text.slice(cursor.at, end);
  cursor.code += into === "code" ? part : blank(part);
  cursor.comments += into === "comments" ? part : blank(part);
  cursor.at = end;
}

/** The offset after the quote that ends a string, or the end of the line for a broken one. */
function endOfQuoted(text: string, start: number, quote: string): number {
  let inClass = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "\n") return at;
    else if (quote === "/" && char === "[") inClass = true;
    else if (quote === "/" && char === "]") inClass = false;
    else if (char === quote && !inClass) return at;
  }
  return text.length;
}

function quoted(cursor: Cursor, quote: string): void {
  const end = endOfQuoted(cursor.text, cursor.at + 1, quote);
  take(cursor, cursor.at + 1, "code");
  take(cursor, end, "neither");
  take(cursor, Math.min(end + 1, cursor.text.length), "code");
}

function template(cursor: Cursor): void {
  take(cursor, cursor.at + 1, "code");
  while (cursor.at < cursor.text.length) {
    const char = cursor.text.charAt(cursor.at);
    if (char === "`") return take(cursor, cursor.at + 1, "code");
    if (char === "\\") take(cursor, cursor.at + 2, "neither");
    else if (char === "$" && cursor.text.charAt(cursor.at + 1) === "{") {
      take(cursor, cursor.at + 2, "code");
      code(cursor, true);
    } else take(cursor, cursor.at + 1, "neither");
  }
}

/** Takes code up to the end, or inside a template up to the brace that closes the nested part. */
function code(cursor: Cursor, nested: boolean): void {
  const { text } = cursor;
  let depth = 0;
  while (cursor.at < text.length) {
    const char = text.charAt(cursor.at);
    const pair = text.slice(cursor.at, cursor.at + 2);
    if (pair === "//") {
      const end = text.indexOf("\n", cursor.at);
      take(cursor, end < 0 ? text.length : end, "comments");
    } else if (pair === "/*") {
      const end = text.indexOf("*/", cursor.at + 2);
      take(cursor, end < 0 ? text.length : end + 2, "comments");
    } else if (char === '"' || char === "'") quoted(cursor, char);
    else if (char === "`") template(cursor);
    else if (char === "/" && REGEX_MAY_FOLLOW.test(cursor.code.slice(-200).trimEnd()))
      quoted(cursor, "/");
    else {
      if (char === "{") depth += 1;
      if (char === "}") depth -= 1;
      take(cursor, cursor.at + 1, "code");
      if (nested && depth < 0) return;
    }
  }
}

/** `code` without the content of comments and literals, and `comments` without anything else. */
export function maskSource(text: string): { readonly code: string; readonly comments: string } {
  const cursor: Cursor = { text, at: 0, code: "", comments: "" };
  code(cursor, false);
  return { code: cursor.code, comments: cursor.comments };
}
