import { basename } from "node:path";
import { eachMatch, isTest, type SourceFile, type Violation } from "./source-file.ts";

const MAX_LINES = 400;
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|suite|worker|d))?\.ts$/;
const EMPTY_WORDS: ReadonlySet<string> = new Set([
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "misc",
  "manager",
  "shared",
]);

/** Words of other systems, and the word we say. Type and file names keep to ours. */
const VOCABULARY: Readonly<Record<string, string>> = {
  entity: "actor",
  grain: "actor",
  tenant: "system",
  inbox: "mailbox",
  job: "turn",
  eviction: "passivation",
  etag: "revision",
  repository: "statestore",
  provider: "plug-in",
  sidecar: "host",
};

const at = (file: SourceFile, line: number, message: string): Violation => ({
  path: file.path,
  line,
  message,
});
const isProduct = (path: string): boolean => /^(?:src|plugins)\//.test(path) && !isTest(path);

/** Files that no reader can hold in mind. */
export function checkLength(file: SourceFile): Violation[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  const message = `${lines} lines; at most ${MAX_LINES}: split by concern`;
  return lines > MAX_LINES ? [at(file, lines, message)] : [];
}

const BODY_MAX_LINES = 70;
const BODY_HEADER = /(?:\)\s*(?::\s*[^;={}]+)?|=>\s*)$/;
const CONTROL_HEADER = /\b(?:if|for|while|switch|catch|with)\s*\([^{}]*$/;

/** Every pair of braces: what stands before it, its first line and how many lines it has. */
function blocksOf(code: string): { before: string; line: number; lines: number }[] {
  const open: { readonly before: string; readonly line: number }[] = [];
  const found: { before: string; line: number; lines: number }[] = [];
  let line = 1;
  let since = 0;
  for (const { 0: char, index } of code.matchAll(/[\n{};]/g)) {
    if (char === "\n") {
      line += 1;
      continue;
    }
    if (char === "{") open.push({ before: code.slice(since, index).trimEnd(), line });
    const start = char === "}" ? open.pop() : undefined;
    if (start !== undefined) found.push({ ...start, lines: line - start.line + 1 });
    since = index + 1;
  }
  return found;
}

/** Long functions, by brace matching; the linter measures them once more by syntax. */
export function checkFunctionLength(file: SourceFile): Violation[] {
  if (isTest(file.path)) return [];
  return blocksOf(file.code)
    .filter(({ before, lines }) => lines > BODY_MAX_LINES && BODY_HEADER.test(before))
    .filter(({ before }) => before.endsWith("=>") || !CONTROL_HEADER.test(before))
    .map(({ line, lines }) =>
      at(file, line, `a function of ${lines} lines; at most ${BODY_MAX_LINES}: name its parts`),
    );
}

/** File names say what the file exports, in kebab-case. */
export function checkFileName(file: SourceFile): Violation[] {
  const name = basename(file.path);
  if (!FILE_NAME.test(name)) return [at(file, 1, `"${name}" is not kebab-case`)];
  const words = file.path.replace(/\.ts$/, "").split(/[/.-]/);
  const empty = words.find((word) => EMPTY_WORDS.has(word));
  return empty === undefined
    ? []
    : [at(file, 1, `"${empty}" says nothing; name it after its main export`)];
}

/** Type and file names use one word per concept. */
export function checkVocabulary(file: SourceFile): Violation[] {
  if (!isProduct(file.path) || file.path.startsWith("plugins/gateways/")) return [];
  const declared = /^(?:export\s+)?(?:abstract\s+)?(?:interface|type|class)\s+(\w+)/gm;
  const names = [...file.code.matchAll(declared)].map((match) => match[1] ?? "");
  return [...names, basename(file.path)].flatMap((name) => {
    const words = name.split(/(?<=[a-z0-9])(?=[A-Z])|[-.]/).map((word) => word.toLowerCase());
    return words.flatMap((word) => {
      const ours = Object.hasOwn(VOCABULARY, word) ? VOCABULARY[word] : undefined;
      return ours === undefined
        ? []
        : [at(file, 1, `"${name}": we do not say ${word} but ${ours}`)];
    });
  });
}

/** `default` exports exist where a loader asks for them. */
export function checkDefaultExport(file: SourceFile): Violation[] {
  const isLoaded = basename(file.path) === "plugin.ts" || file.path.startsWith("examples/");
  if (isLoaded || /(?:^|\/)(?:fixtures|test\/e2e)\//.test(file.path)) return [];
  const pattern = /^export\s+default\b|\bas\s+default\b(?=[^;]*\})/gm;
  return eachMatch(file, file.code, pattern, () => "no default export here; export a name");
}

/** The statements at module level, each with its offset: what lies outside every brace and bracket. */
function topLevelStatements(code: string): { readonly text: string; readonly line: number }[] {
  const found: { text: string; line: number }[] = [];
  let depth = 0;
  let line = 1;
  for (const text of code.split("\n")) {
    if (depth === 0 && /^(?:export\s+)?(?:const|let|var)\b/.test(text)) found.push({ text, line });
    else if (found.length > 0 && (depth > 0 || /^[\s}\])]/.test(text))) {
      const last = found[found.length - 1];
      if (last !== undefined) last.text += `\n${text}`;
    }
    for (const char of text) {
      if ("{[(".includes(char)) depth += 1;
      if ("}])".includes(char)) depth -= 1;
    }
    line += 1;
  }
  return found;
}

const IMMUTABLE_MADE =
  /^new (?:RegExp|TextEncoder|TextDecoder|URL|Intl\.\w+|(?:Uint8|Int32|Uint32|BigUint64|Float64)Array|DataView)\b/;
const COLLECTION_MADE = /^(?:new\s+\w|\[|\{)/;
const READONLY_TYPE = /^(?:Readonly\w*<|readonly\b|Iterable<)/;
const MUTABLE_TYPE = /^(?:Record<|Map<|Set<|WeakMap<|WeakSet<|Array<|\{)|\[\]$/;

/** Why the declaration could change after it was made, or `undefined` if it cannot. */
function mutability(statement: string): string | undefined {
  const head = /^(?:export\s+)?(const|let|var)\s+([\w$]+|[[{][^=]*[\]}])\s*/.exec(statement);
  if (head === null) return undefined;
  if (head[1] !== "const") return `a module-level \`${head[1]}\``;
  const rest = statement.slice(head[0].length);
  const equals = /(?<![=<>!])=(?![=>])/.exec(rest);
  if (equals === null) return undefined;
  const type = rest.slice(0, equals.index).replace(/^:\s*/, "").trim();
  const value = rest.slice(equals.index + 1).trim();
  if (READONLY_TYPE.test(type) || /\bas const\b/.test(value) || IMMUTABLE_MADE.test(value))
    return undefined;
  if (!COLLECTION_MADE.test(value)) return undefined;
  if (type !== "" && !MUTABLE_TYPE.test(type) && value.startsWith("{")) return undefined;
  return "a module-level object that can change";
}

/** Several nodes live in one process: nothing is kept at module level. */
export function checkModuleState(file: SourceFile): Violation[] {
  // A worker is the entry of a thread of its own: its module is that thread's main function.
  if (!isProduct(file.path) || file.path.endsWith(".worker.ts")) return [];
  return topLevelStatements(file.code).flatMap(({ text, line }) => {
    const why = mutability(text);
    const instead =
      "pass it in, or declare it ReadonlyMap, ReadonlySet, readonly [], `as const` or Readonly<…>";
    return why === undefined ? [] : [at(file, line, `${why}; instead: ${instead}`)];
  });
}

/** The end of `f(…)` with the calls chained to it: `test.skipIf(…).each(…)(name, body)`. */
function endOfCalls(code: string, from: number): number {
  let end = endOfCall(code, from);
  for (;;) {
    const next = /^\)?(?:\.\w+)?\(/.exec(code.slice(end, end + 64));
    if (next === null) return end;
    end = endOfCall(code, end + next[0].length);
  }
}

/** A test without an expectation cannot fail. */
export function checkTestsAssert(file: SourceFile): Violation[] {
  if (!file.path.endsWith(".test.ts")) return [];
  const calls = file.code.matchAll(/^\s*(?:test|it)(?:\.\w+)?\(/gm);
  const asserts = /expect|assert|until|check|verify|suite\(|accepted\(|refused\(/i;
  return [...calls].flatMap((call) => {
    const start = call.index + call[0].length;
    const body = file.code.slice(start, endOfCalls(file.code, start));
    const line = file.code.slice(0, start).split("\n").length;
    return asserts.test(body) ? [] : [at(file, line, "a test that asserts nothing cannot fail")];
  });
}

/** The offset of the end of a call, past further calls of its result: `test.each(rows)(name, body)`. */
function endOfCall(code: string, start: number): number {
  let depth = 1;
  for (let index = start; index < code.length; index += 1) {
    const char = code.charAt(index);
    if (char === "(") depth += 1;
    if (char === ")") depth -= 1;
    if (depth === 0 && code.charAt(index + 1) !== "(") return index;
  }
  return code.length;
}
