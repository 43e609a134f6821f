/**
 * The text of a member of a JSON object, exactly as it was written, so that numbers keep digits
 * that parsing would lose; `undefined` if there is none. `text` must be a valid JSON object.
 */
export function rawJsonMember(text: string, name: string): string | undefined {
  let found: string | undefined;
  let at = text.indexOf("{") + 1;
  while (at < text.length) {
    const keyStart = text.indexOf('"', at);
    if (keyStart < 0) break;
    const keyEnd = endOfString(text, keyStart);
    const valueStart = text.indexOf(":", keyEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    // As in parsing, the last of several members of one name counts.
    if (JSON.parse(text.slice(keyStart, keyEnd)) === name) {
      found = text.slice(valueStart, valueEnd).trim();
    }
    at = valueEnd + 1;
  }
  return found;
}

/** The place after the comma-free value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth < 0 || (depth === 0 && character === ",")) break;
  }
  return at;
}

/** The place after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
