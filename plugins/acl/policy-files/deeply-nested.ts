/** Deepest nesting of brackets, and most marks of block levels in a row; policies need four. */
const MAX_BRACKETS = 32;
const MAX_MARKS = 16;

/** Furthest that a line may be indented, which is another way to nest. */
const MAX_INDENT = 64;

/**
 * True if YAML text nests deeper than any policy does. A parser's time grows with the square of the
 * depth, and it runs on the thread that renews leases, so this is asked first; one pass.
 */
export function isDeeplyNested(text: string): boolean {
  let brackets = 0;
  for (const line of text.split("\n")) {
    const content = line.trimStart();
    if (content.startsWith("#")) continue;
    if (line.length - content.length > MAX_INDENT && content !== "") return true;
    let marks = 0;
    // A mark is a level only where a blank follows it; a comma or bracket ends a row of them.
    for (const [found] of content.matchAll(/[[\]{},]|[:?-][ \t]/g)) {
      marks = found.length === 2 ? marks + 1 : 0;
      if (found === "[" || found === "{") brackets += 1;
      if (found === "]" || found === "}") brackets = Math.max(0, brackets - 1);
      if (brackets > MAX_BRACKETS || marks > MAX_MARKS) return true;
    }
  }
  return false;
}
