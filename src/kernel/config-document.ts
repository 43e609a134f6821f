import { parse as parseToml, type TomlError } from "smol-toml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import {
  problem,
  type ConfigProblem,
  type ConfigReason,
  type ConfigSource,
} from "./config-problem.ts";

/** Where something stands in a file, from 1; absent where the parser does not tell. */
export interface Position {
  readonly line?: number;
  readonly column?: number;
}

/** A configuration file without its syntax: YAML, TOML and JSON look alike from here on. */
export type ConfigNode = Position &
  (
    | { readonly kind: "map"; readonly entries: readonly ConfigEntry[] }
    | { readonly kind: "list"; readonly items: readonly ConfigNode[] }
    | { readonly kind: "scalar"; readonly text: string }
    | { readonly kind: "empty" }
  );

/** One key of a map; the position is the key's. */
export interface ConfigEntry extends Position {
  readonly key: string;
  readonly node: ConfigNode;
}

/** A file as it was understood. With problems the tree is whatever could be read. */
export interface ConfigDocument {
  readonly path: string;
  readonly root: ConfigNode;
  readonly problems: readonly ConfigProblem[];
}

/** The position alone of something that has one. */
export function positionOf({ line, column }: Position): Position {
  return { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

const EMPTY: ConfigNode = { kind: "map", entries: [] };

class DocumentFault extends Error {
  readonly reason: ConfigReason;
  readonly at: Position;

  constructor(reason: ConfigReason, message: string, at: Position) {
    super(message);
    this.reason = reason;
    this.at = at;
  }
}

/** The first line of a parser's message, in our style. */
function plain(message: string): string {
  const line = (message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "").trim();
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function fromYaml(node: unknown, at: (node: Node) => Position): ConfigNode {
  if (node === null || node === undefined) return { kind: "empty" };
  if (isAlias(node)) {
    throw new DocumentFault("aliases_disabled", "uses an alias", at(node));
  }
  if (isMap(node)) {
    const seen = new Set<string>();
    const entries = node.items.map((pair): ConfigEntry => {
      const written: unknown = pair.key;
      if (!isScalar(written)) {
        throw new DocumentFault("syntax", "has a key that is no text", at(node));
      }
      const key = String(written.value);
      if (seen.has(key)) {
        throw new DocumentFault("duplicate_key", `names ${key} twice`, at(written));
      }
      seen.add(key);
      return { key, node: fromYaml(pair.value, at), ...at(written) };
    });
    return { kind: "map", entries, ...at(node) };
  }
  if (isSeq(node)) {
    return { kind: "list", items: node.items.map((item) => fromYaml(item, at)), ...at(node) };
  }
  if (!isScalar(node) || node.value === null) return { kind: "empty" };
  const text = typeof node.value === "number" ? node.source : undefined;
  return { kind: "scalar", text: text ?? String(node.value), ...at(node) };
}

function readYaml(path: string, text: string): ConfigDocument {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const parsed = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser's own search for repeated keys takes the square of their number.
    uniqueKeys: false,
    schema: "core",
  });
  const problems = [...parsed.errors, ...parsed.warnings].map((error) => {
    const source: ConfigSource = { kind: "file", path, ...at(error.pos[0]) };
    return problem("", source, "syntax", `${path}: ${plain(error.message)}`);
  });
  if (problems.length > 0) return { path, root: EMPTY, problems };
  const root = fromYaml(parsed.contents, (node) => (node.range ? at(node.range[0]) : {}));
  return { path, root, problems };
}

/** Where `a.b.c` is assigned, as far as a look at the lines can tell; TOML parsers do not say. */
function tomlPositions(text: string): ReadonlyMap<string, Position> {
  const found = new Map<string, Position>();
  let table = "";
  text.split("\n").forEach((content, index) => {
    const header = /^\s*\[([^[\]]+)\]/.exec(content)?.[1];
    if (header !== undefined) table = `${header.replaceAll(/["'\s]/g, "")}.`;
    const name = header ?? /^\s*([\w."'-]+)\s*=/.exec(content)?.[1];
    if (name === undefined) return;
    const key = name.replaceAll(/["'\s]/g, "");
    const path = header === undefined ? table + key : key;
    const position = { line: index + 1, column: content.indexOf(name) + 1 };
    if (!found.has(path)) found.set(path, position);
  });
  return found;
}

function fromToml(
  value: unknown,
  path: string,
  positions: ReadonlyMap<string, Position>,
): ConfigNode {
  const at = positions.get(path) ?? {};
  if (Array.isArray(value)) {
    return { kind: "list", items: value.map((item) => fromToml(item, path, positions)), ...at };
  }
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const entries = Object.entries(value).map(([key, item]): ConfigEntry => {
      const inner = path === "" ? key : `${path}.${key}`;
      return { key, node: fromToml(item, inner, positions), ...positions.get(inner) };
    });
    return { kind: "map", entries, ...at };
  }
  return { kind: "scalar", text: String(value), ...at };
}

function readToml(path: string, text: string): ConfigDocument {
  try {
    const root = fromToml(parseToml(text), "", tomlPositions(text));
    return { path, root, problems: [] };
  } catch (error) {
    const { line, column, message } = error as TomlError;
    const twice = message.includes("already defined");
    throw new DocumentFault(twice ? "duplicate_key" : "syntax", plain(message), { line, column });
  }
}

function readJson(path: string, text: string): ConfigDocument {
  // JSON is a subset of YAML, whose parser knows positions and repeated keys.
  const document = readYaml(path, text);
  if (document.problems.length > 0) return document;
  try {
    JSON.parse(text);
  } catch {
    throw new DocumentFault("syntax", "is not valid JSON", {});
  }
  return document;
}

function readByName(path: string, text: string): ConfigDocument {
  if (path.endsWith(".toml")) return readToml(path, text);
  return path.endsWith(".json") ? readJson(path, text) : readYaml(path, text);
}

function faultyDocument(path: string, thrown: unknown): ConfigDocument {
  const fault =
    thrown instanceof DocumentFault
      ? thrown
      : new DocumentFault("syntax", "is nested too deeply", {});
  const source: ConfigSource = { kind: "file", path, ...positionOf(fault.at) };
  const hint = fault.reason === "aliases_disabled" ? "write the value out" : "";
  const found = problem("", source, fault.reason, `${path}: ${fault.message}`, hint);
  return { path, root: EMPTY, problems: [found] };
}

/**
 * Reads a configuration file by the end of its name (`.toml`, `.json`, anything else is YAML).
 * Repeated keys, aliases and foreign tags are problems; time and memory grow with the text only.
 */
export function readConfigDocument(path: string, text: string): ConfigDocument {
  try {
    const document = readByName(path, text.startsWith("\uFEFF") ? text.slice(1) : text);
    if (document.root.kind === "map") return document;
    if (document.root.kind === "empty") return { ...document, root: EMPTY };
    throw new DocumentFault("syntax", "must be a map of keys", document.root);
  } catch (error) {
    return faultyDocument(path, error);
  }
}
