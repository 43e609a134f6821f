import { isTest, layerOf, type SourceFile, type Violation } from "./source-file.ts";

const DOCUMENTED: ReadonlySet<string> = new Set(["contract", "core", "kernel"]);
const EXPORTED =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:interface|type|class|function\*?|const)\s+([\w$]+)/;

/** Every exported symbol of contract, core and kernel says what it promises, in a doc comment above it. */
export function checkDocComments(file: SourceFile): Violation[] {
  if (!DOCUMENTED.has(layerOf(file.path) ?? "") || isTest(file.path)) return [];
  const code = file.code.split("\n");
  const comments = file.comments.split("\n");
  let previous = "";
  return code.flatMap((text, index) => {
    const name = EXPORTED.exec(text)?.[1];
    const isOverload = name !== undefined && name === previous;
    if (name !== undefined) previous = name;
    if (name === undefined || isOverload || endsDocComment(comments, index - 1)) return [];
    return [{ path: file.path, line: index + 1, message: `${name} has no doc comment` }];
  });
}

function endsDocComment(comments: readonly string[], line: number): boolean {
  if (comments[line]?.trimEnd().endsWith("*/") !== true) return false;
  for (let above = line; above >= 0; above -= 1) {
    const text = comments[above]?.trim() ?? "";
    if (text.startsWith("/**")) return true;
    if (text === "" || text.startsWith("/*")) return false;
  }
  return false;
}
