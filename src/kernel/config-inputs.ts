import { readConfigDocument, type ConfigDocument } from "./config-document.ts";
import {
  problem,
  type ConfigProblem,
  type ConfigReason,
  type ConfigSource,
  type ConfigWarning,
} from "./config-problem.ts";
import { isLoopback } from "./loopback.ts";
import { NODE_SETTINGS } from "./settings.ts";
import { environmentName, flagName } from "./setting.ts";
import { spawnAliases } from "./spawn-aliases.ts";

/** A text file as the platform found it. */
export type FileText =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "failed"; readonly reason: FileFailure };

/** Why a file gave no text. A loop of symbolic links counts as `not_found`. */
export type FileFailure = "not_found" | "not_a_file" | "not_readable" | "too_large" | "charset";

/** Reads small text files; `-` is standard input. Waits for the disk: it is used before the start. */
export interface ConfigFiles {
  read(path: string, maxBytes: number): FileText;
}

/** Everything that configuration is made of. */
export interface ConfigInputs {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags without their dashes, see `splitFlags`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly files: ConfigFiles;
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs: number;
}

/** A value as it was written, with its place. */
export interface WrittenText {
  readonly text: string;
  readonly source: ConfigSource;
}

/** The inputs, read once: names are not yet checked. */
export interface ConfigSources {
  readonly document: ConfigDocument | undefined;
  /** `TROUPE_*` variables and what Spawn's variables stand for. */
  readonly environment: ReadonlyMap<string, WrittenText>;
  readonly flags: ReadonlyMap<string, WrittenText>;
  readonly files: ConfigFiles;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
}

/** Largest configuration or secret file. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
const CONFIG_VARIABLE = "TROUPE_CONFIG";
const DEFAULT_FILES: readonly string[] = [
  "troupe.yaml",
  "troupe.yml",
  "troupe.toml",
  "troupe.json",
];
/** January 2024: a clock before this was never set. */
const EARLIEST_WALL_MS = 1_704_067_200_000;

const FAILURES: Readonly<Record<FileFailure, string>> = {
  not_found: "does not exist",
  not_a_file: "is not a regular file",
  not_readable: "may not be read by this user",
  too_large: "is larger than 1MiB",
  charset: "is not UTF-8 text",
};

/** The problem of a file that could not be read. */
export function fileProblem(
  key: string,
  source: ConfigSource,
  path: string,
  reason: FileFailure,
): ConfigProblem {
  const word: ConfigReason = reason;
  return problem(key, source, word, `${key === "" ? "" : `${key}: `}${path} ${FAILURES[reason]}`);
}

/** Kubernetes names the addresses of every Service so; a Service may be called troupe, too. */
function isServiceLink(name: string, value: string): boolean {
  if (/^TROUPE_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)$/.test(name)) return true;
  if (/^TROUPE_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return /^TROUPE_(\w+_)?PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value);
}

/** True for variables that run code or open a debugger in the runtime below us. */
function isRuntimeVariable(name: string): boolean {
  return name === "BUN_OPTIONS" || name === "NODE_OPTIONS" || name.startsWith("BUN_INSPECT");
}

function readEnvironment(inputs: ConfigInputs, problems: ConfigProblem[]) {
  const found = new Map<string, WrittenText>();
  const warnings: ConfigWarning[] = [];
  for (const [name, value] of Object.entries(inputs.environment)) {
    if (value === undefined) continue;
    const source: ConfigSource = { kind: "environment", name };
    if (isRuntimeVariable(name) && value !== "") {
      const message = `${name} changes the runtime below the server`;
      problems.push(problem("", source, "runtime_env", message, `unset ${name}`));
    }
    const passed = name === CONFIG_VARIABLE || name.startsWith("TROUPE_TEST_");
    if (!name.startsWith("TROUPE_") || passed || isServiceLink(name, value)) continue;
    found.set(name, { text: value, source });
  }
  for (const alias of spawnAliases(inputs.environment)) {
    const ours = alias.environment;
    const source: ConfigSource = { kind: "environment", name: alias.name };
    const key = ours.slice("TROUPE_".length).toLowerCase();
    if (alias.value.includes("://admin:admin@") && !isLoopback(new URL(alias.value).hostname)) {
      const message = `${alias.name}: admin with the password admin is refused beyond loopback`;
      const hint = "set PROXY_DATABASE_USERNAME and PROXY_DATABASE_SECRET";
      problems.push(problem(key, source, "required", message, hint));
    }
    if (found.has(ours)) {
      warnings.push({ key, source, message: `${alias.name} is passed over: ${ours} is set` });
      continue;
    }
    found.set(ours, { text: alias.value, source });
    warnings.push({ key, source, message: `${alias.name} is an alias, its name here is ${ours}` });
  }
  return { found, warnings };
}

function readDocument(inputs: ConfigInputs, problems: ConfigProblem[]): ConfigDocument | undefined {
  const flag = inputs.flags["config"];
  const variable = inputs.environment[CONFIG_VARIABLE];
  const path = flag ?? variable;
  if (path !== undefined) {
    const source: ConfigSource =
      flag === undefined
        ? { kind: "environment", name: CONFIG_VARIABLE }
        : { kind: "flag", name: "config" };
    const file = inputs.files.read(path, MAX_CONFIG_BYTES);
    if (file.kind === "failed") {
      problems.push(fileProblem("config", source, path, file.reason));
      return undefined;
    }
    if (path === "-" && file.text.trim() === "") {
      problems.push(problem("config", source, "empty", "config: standard input is empty"));
    }
    return readConfigDocument(path, file.text);
  }
  const present = DEFAULT_FILES.map((name) => ({
    name,
    file: inputs.files.read(name, MAX_CONFIG_BYTES),
  })).filter(({ file }) => file.kind === "text" || file.reason !== "not_found");
  const [first, second] = present;
  if (first === undefined) return undefined;
  const source: ConfigSource = { kind: "file", path: first.name };
  if (second !== undefined) {
    const message = `config: both ${first.name} and ${second.name} exist`;
    problems.push(problem("config", source, "conflict", message, "name one with --config"));
    return undefined;
  }
  if (first.file.kind === "failed") {
    problems.push(fileProblem("config", source, first.name, first.file.reason));
    return undefined;
  }
  return readConfigDocument(first.name, first.file.text);
}

/** Reads file, environment and flags; nothing is checked but that they can be read. Never throws. */
export function readSources(inputs: ConfigInputs): ConfigSources {
  const problems: ConfigProblem[] = [];
  if (inputs.wallMs < EARLIEST_WALL_MS) {
    const hint = "set the clock of this machine";
    problems.push(problem("", { kind: "default" }, "clock", "the clock is before 2024", hint));
  }
  const document = readDocument(inputs, problems);
  const { found, warnings } = readEnvironment(inputs, problems);
  const flags = new Map<string, WrittenText>();
  for (const [name, text] of Object.entries(inputs.flags)) {
    if (name !== "config") flags.set(name, { text, source: { kind: "flag", name } });
  }
  return {
    document,
    environment: found,
    flags,
    files: inputs.files,
    problems: [...problems, ...(document?.problems ?? [])],
    warnings,
  };
}

/** Arguments, divided into the configuration's flags and all else. */
export interface SplitFlags {
  readonly flags: Readonly<Record<string, string>>;
  readonly rest: readonly string[];
}

/**
 * Takes `--name value` and `--name=value` out of the arguments, except for `own`, the flags of the
 * command itself; flags of true-or-false settings need no value. What stands behind `--` stays. Of a
 * repeated flag the last counts.
 */
export function splitFlags(parameters: readonly string[], own: ReadonlySet<string>): SplitFlags {
  const switches = new Set<string>(
    Object.values(NODE_SETTINGS)
      .filter((found) => found.type === "boolean")
      .map((found) => flagName(environmentName(found.key))),
  );
  const flags: Record<string, string> = {};
  const rest: string[] = [];
  for (let index = 0; index < parameters.length; index += 1) {
    const parameter = parameters[index] ?? "";
    if (parameter === "--") {
      rest.push(...parameters.slice(index));
      break;
    }
    const [, name, value] = /^--([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(parameter) ?? [];
    if (name === undefined || own.has(name)) {
      rest.push(parameter);
      continue;
    }
    const next = parameters[index + 1];
    const takesNext =
      value === undefined && !switches.has(name) && next?.startsWith("--") === false;
    flags[name] = value ?? (takesNext ? (next ?? "") : switches.has(name) ? "true" : "");
    if (takesNext) index += 1;
  }
  return { flags, rest };
}
