import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { maskSource } from "./mask-source.ts";

/** One reference to another file or package, as written. */
export interface Reference {
  readonly specifier: string;
  /** `value` survives compilation, `type` does not, `url` names a file that is loaded by URL. */
  readonly kind: "value" | "type" | "url";
  /** 1-based. */
  readonly line: number;
}

/** A file as the rules see it. Paths are relative to the repository and use `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text with the content of comments, strings and regular expressions blanked out. */
  readonly code: string;
  /** The text with everything but comments blanked out. */
  readonly comments: string;
  readonly references: readonly Reference[];
}

/** A broken rule, with what to do instead. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const IMPORT =
  /(?:^|[\n;])\s*(?:import|export)\s+(?<type>type\s+)?(?:[\w*{][^"';=()]*?\sfrom\s*|(?=["']))["']/g;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*["']/g;
const URL_REFERENCE = /\bnew URL\(\s*["']/g;

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1))
    line += 1;
  return line;
}

function referencesOf(text: string, code: string): Reference[] {
  const found: Reference[] = [];
  const add = (end: number, kind: Reference["kind"]): void => {
    const quote = code.charAt(end - 1);
    const specifier = text.slice(end, text.indexOf(quote, end));
    found.push({ specifier, kind, line: lineAt(text, end) });
  };
  for (const match of code.matchAll(IMPORT)) {
    add(match.index + match[0].length, match.groups?.["type"] === undefined ? "value" : "type");
  }
  for (const match of code.matchAll(DYNAMIC_IMPORT)) add(match.index + match[0].length, "value");
  for (const match of code.matchAll(URL_REFERENCE)) add(match.index + match[0].length, "url");
  return found;
}

/** Reads a text as the rules see it; planted violations in tests come in by this door too. */
export function sourceFile(path: string, text: string): SourceFile {
  const { code, comments } = maskSource(text);
  return { path, text, code, comments, references: referencesOf(text, code) };
}

/** The path that a relative specifier leads to, or `undefined` for a package. */
export function resolveReference(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return join(from, "..", specifier).replaceAll("\\", "/");
}

/** One violation per match of the pattern. `searched` is `code`, `comments` or `text`. */
export function eachMatch(
  file: SourceFile,
  searched: string,
  pattern: RegExp,
  message: (found: RegExpExecArray) => string,
): Violation[] {
  return [...searched.matchAll(pattern)].map((found) => {
    const start = found.index + (found[0].length - found[0].trimStart().length);
    return { path: file.path, line: lineAt(file.text, start), message: message(found) };
  });
}

export const isTest = (path: string): boolean =>
  path.startsWith("test/") || path.startsWith("bench/") || path.endsWith(".test.ts");

/** The layer a path belongs to, or `undefined` for tests, benchmarks and the build. */
export function layerOf(path: string): string | undefined {
  const [first, second] = path.split("/");
  if (first === "src") return second;
  return first === "plugins" || first === "examples" ? first : undefined;
}

const ROOT = join(import.meta.dir, "..", "..");
const FOLDERS = ["src", "plugins", "test", "examples", "bench", "proto", "docs", "deploy", ".ci"];
const TEXT_NAME = /(?:\.(?:ts|mjs|js|json|md|ya?ml|toml|proto|txt|py|sh)|\/run)$/;

/** Every text of the repository, for rules about words. */
export function readTexts(): SourceFile[] {
  const inFolders = FOLDERS.flatMap((folder) => {
    const paths = [...new Glob("**/*").scanSync({ cwd: join(ROOT, folder), dot: true })];
    return paths.map((path) => `${folder}/${path.replaceAll("\\", "/")}`);
  });
  const paths = [...new Glob("*").scanSync({ cwd: ROOT, dot: true }), ...inFolders];
  return paths
    .filter((path) => TEXT_NAME.test(path) && path !== "package-lock.json")
    .filter((path) => !/(?:^|\/)(?:node_modules|dist|\.cache)\//.test(path))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(ROOT, path), "utf8")));
}

/** Every TypeScript file that people write; generated code is left out. */
export function readTree(): SourceFile[] {
  return readTexts().filter(({ path }) => path.endsWith(".ts") && !path.startsWith("src/gen/"));
}

/** For test failures: one line per violation. */
export function report(violations: readonly Violation[]): string[] {
  return violations.map(({ path, line, message }) => `${path}:${line} ${message}`);
}
