import { basename, extname } from "node:path";
import type { Pattern } from "./pattern.ts";
import type { PolicyDocument } from "./policy-document.ts";
import type { PolicyProblem, PolicyReason } from "./policy-problem.ts";
import { anyActor, type CallerPattern } from "./policy-rule.ts";
import type { PolicyFile } from "./policy-source.ts";
import { POLICY_NAME, POLICY_NAME_RULE, parsePattern } from "./policy-text.ts";

const REQUIRED_KEYS = ["type", "actors", "actions", "actor_systems"] as const;
const KEYS: readonly string[] = ["name", ...REQUIRED_KEYS];

/** Where problems of the whole file are shown. */
const START = { line: 1, column: 1 } as const;

/** Most pairs of caller name and caller system in one policy. */
const MAX_CALLERS = 10_000;

interface Line {
  readonly line: number;
  readonly column: number;
  readonly value: string;
}

/**
 * Reads one of Spawn's `.policy` files: `key: value` lines with lists parted by colons. `actors` and
 * `actor_systems` mean the caller, and the called actor takes no part. Unlike there, nothing has a
 * default but the name (the file's), a denial denies, and a caller that is no actor fits `*` alone.
 */
export function parseSpawnPolicy(file: PolicyFile): PolicyDocument {
  const problems: PolicyProblem[] = [];
  const refuse: Refuse = (at, reason, message) =>
    void problems.push({ file: file.path, line: at.line, column: at.column, reason, message });
  const lines = readLines(file.text, refuse);
  for (const key of REQUIRED_KEYS) {
    if (!lines.has(key)) refuse(START, "missing", `${key} is missing`);
  }
  const name = lines.get("name")?.value ?? basename(file.path, extname(file.path));
  if (!POLICY_NAME.test(name)) refuse(lines.get("name") ?? START, "charset", POLICY_NAME_RULE);
  const effect = readType(lines.get("type"), refuse);
  const callers = readCallers(lines, refuse);
  const actions = readList(lines.get("actions"), refuse);
  if (problems.length > 0 || effect === undefined) return { rules: [], roles: [], problems };
  const targets = [anyActor()];
  const rule = { name, effect, callers, targets, types: [], actions, channels: [], admin: [] };
  return { rules: [{ rule, file: file.path, ...START }], roles: [], problems };
}

type Refuse = (at: Pick<Line, "line" | "column">, reason: PolicyReason, message: string) => void;

function readLines(text: string, refuse: Refuse): ReadonlyMap<string, Line> {
  const found = new Map<string, Line>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const at = { line: index + 1, column: raw.indexOf(content) + 1 };
    const colon = content.indexOf(":");
    const key = content.slice(0, Math.max(colon, 0)).trim();
    if (colon < 0) refuse(at, "syntax", "the line is not key: value");
    else if (!KEYS.includes(key)) {
      refuse(at, "unknown_key", `"${key}" is not one of ${KEYS.join(", ")}`);
    } else if (found.has(key)) refuse(at, "duplicate", `${key} is given twice`);
    else found.set(key, { ...at, value: unquote(content.slice(colon + 1).trim()) });
  }
  return found;
}

function readType(line: Line | undefined, refuse: Refuse): "allow" | "deny" | undefined {
  const type = line?.value.toLowerCase();
  if (type === "allow" || type === "deny") return type;
  if (line !== undefined) refuse(line, "enum", `type is neither allow nor deny: "${line.value}"`);
  return undefined;
}

function readList(line: Line | undefined, refuse: Refuse): readonly Pattern[] {
  if (line === undefined) return [];
  return line.value.split(":").flatMap((part) => {
    const item = part.trim();
    const parsed = parsePattern(item);
    if (/["',\s]/.test(item)) {
      refuse(line, "charset", `"${item}": items are parted by colons and not quoted`);
    } else if (parsed.kind === "refused") refuse(line, parsed.reason, parsed.message);
    else return [parsed.value];
    return [];
  });
}

function readCallers(lines: ReadonlyMap<string, Line>, refuse: Refuse): readonly CallerPattern[] {
  const names = readList(lines.get("actors"), refuse);
  const systems = readList(lines.get("actor_systems"), refuse);
  if (names.length * systems.length > MAX_CALLERS) {
    refuse(START, "too_many", `more than ${MAX_CALLERS} pairs of actor and system`);
    return [];
  }
  return systems.flatMap((system) => names.map((name) => callerOf(system, name)));
}

function callerOf(system: Pattern, name: Pattern): CallerPattern {
  if (system.matchesAll && name.matchesAll) return { kind: "anyone" };
  return { kind: "actor", actor: { ...anyActor(), system, key: name } };
}

/** Takes one pair of double quotes off, as `type: "allow"` is often written. */
function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
