import { positionOf, type ConfigNode } from "./config-document.ts";
import {
  fileProblem,
  MAX_CONFIG_BYTES,
  type ConfigSources,
  type WrittenText,
} from "./config-inputs.ts";
import {
  DEFAULT_SOURCE,
  problem,
  type ConfigProblem,
  type ConfigSource,
  type ConfigWarning,
} from "./config-problem.ts";
import { flagName, variableOf, type Setting } from "./setting.ts";
import { parseValue, type RawValue, type ValueSpec } from "./value-types.ts";

/** A place where one value may be given: in a file, as a variable, as a flag. */
export interface Slot {
  /** Dotted key in a file. */
  readonly key: string;
  /** Variable, or "" if it has none. */
  readonly environment: string;
  readonly flag: string;
  readonly spec: ValueSpec;
  /** Also taken from the file that `<name>_FILE` names. */
  readonly byFile: boolean;
  /** See `Setting.inner`. */
  readonly inner?: string;
}

/** A slot's value after all sources were heard. */
export interface SlotValue {
  readonly slot: Slot;
  /** `undefined` if there is no value, or none that is right. */
  readonly value: unknown;
  readonly source: ConfigSource;
  /** A value was given, but it is wrong; already reported. */
  readonly failed: boolean;
}

/** Collects what is found while values are read. */
export interface Findings {
  readonly problems: ConfigProblem[];
  readonly warnings: ConfigWarning[];
}

/** The slot of a setting of the server. */
export function settingSlot(found: Setting<unknown>): Slot {
  const environment = variableOf(found);
  const { key, secret = false, inner } = found;
  const slot = { key, environment, flag: flagName(environment), spec: found, byFile: secret };
  return inner === undefined ? slot : { ...slot, inner };
}

interface Written {
  readonly raw: RawValue | undefined;
  readonly source: ConfigSource;
}

/** The node at a dotted key, with its source. */
export function findNode(
  sources: ConfigSources,
  key: string,
): { readonly node: ConfigNode; readonly source: ConfigSource } | undefined {
  const { document } = sources;
  if (document === undefined) return undefined;
  let node = document.root;
  let source: ConfigSource = { kind: "file", path: document.path };
  for (const part of key.split(".")) {
    const entry =
      node.kind === "map" ? node.entries.find((candidate) => candidate.key === part) : undefined;
    if (entry === undefined) return undefined;
    node = entry.node;
    source = {
      kind: "file",
      path: document.path,
      ...positionOf(entry),
    };
  }
  return { node, source };
}

function rawOf(node: ConfigNode, inner?: string): RawValue | undefined {
  if (node.kind === "scalar") return node.text;
  if (node.kind === "list") {
    const items = node.items.map((item) => (item.kind === "scalar" ? item.text : undefined));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (node.kind === "map") {
    const pairs = node.entries.map(({ key, node: item }) => {
      const holder = inner === undefined ? item : innerOf(item, inner);
      return holder?.kind === "scalar" ? ([key, holder.text] as const) : undefined;
    });
    return pairs.every((pair) => pair !== undefined) ? Object.fromEntries(pairs) : undefined;
  }
  return undefined;
}

function innerOf(node: ConfigNode, inner: string): ConfigNode | undefined {
  return node.kind === "map" ? node.entries.find(({ key }) => key === inner)?.node : undefined;
}

function written(text: WrittenText | undefined): Written | undefined {
  return text === undefined ? undefined : { raw: text.text, source: text.source };
}

/** One source's value: inline, or from the file it names, but not both. */
function fromEither(
  sources: ConfigSources,
  slot: Slot,
  inline: Written | undefined,
  byFile: Written | undefined,
  found: Findings,
): Written | "failed" | undefined {
  if (byFile === undefined) return inline;
  if (inline !== undefined) {
    const message = `${slot.key} is given both inline and by file`;
    found.problems.push(problem(slot.key, byFile.source, "conflict", message, "keep one of them"));
    return "failed";
  }
  const path = typeof byFile.raw === "string" ? byFile.raw : "";
  const file = sources.files.read(path, MAX_CONFIG_BYTES);
  if (file.kind === "failed") {
    found.problems.push(fileProblem(slot.key, byFile.source, path, file.reason));
    return "failed";
  }
  const text = file.text.replace(/\r?\n$/, "");
  if (text === "") {
    const message = `${slot.key}: ${path} is empty`;
    found.problems.push(problem(slot.key, byFile.source, "empty_secret", message));
    return "failed";
  }
  return { raw: text, source: byFile.source };
}

/** The value of a slot before it is typed: the last of file, variable and flag. */
function writtenValue(
  sources: ConfigSources,
  slot: Slot,
  taken: ReadonlySet<string>,
  found: Findings,
): Written | "failed" | undefined {
  const node = findNode(sources, slot.key);
  const inFile =
    node === undefined ? undefined : { raw: rawOf(node.node, slot.inner), source: node.source };
  const fileNode = slot.byFile ? findNode(sources, `${slot.key}_file`) : undefined;
  const pathInFile =
    fileNode === undefined || taken.has(`${slot.key}_file`)
      ? undefined
      : { raw: rawOf(fileNode.node), source: fileNode.source };
  const named = (map: ReadonlyMap<string, WrittenText>, name: string): Written | undefined =>
    slot.byFile && !taken.has(name) ? written(map.get(name)) : undefined;
  const { environment, flags } = sources;
  const layers: readonly (readonly [Written | undefined, Written | undefined])[] = [
    [inFile, pathInFile],
    [written(environment.get(slot.environment)), named(environment, `${slot.environment}_FILE`)],
    [written(flags.get(slot.flag)), named(flags, `${slot.flag}-file`)],
  ];
  let last: Written | "failed" | undefined;
  for (const [inline, byFile] of layers) {
    last = fromEither(sources, slot, inline, byFile, found) ?? last;
  }
  return last;
}

/** Reads one slot. `taken` are the names that belong to slots themselves, so `_FILE` steps back. */
export function readSlot(
  sources: ConfigSources,
  slot: Slot,
  taken: ReadonlySet<string>,
  found: Findings,
): SlotValue {
  const { key, spec } = slot;
  const given = writtenValue(sources, slot, taken, found);
  if (given === "failed") return { slot, value: undefined, source: DEFAULT_SOURCE, failed: true };
  if (given === undefined) {
    const missing = spec.required === true && spec.default === undefined;
    if (missing) {
      const hint = slot.environment === "" ? "" : `set ${slot.environment}`;
      found.problems.push(problem(key, DEFAULT_SOURCE, "required", `${key} must be given`, hint));
    }
    return { slot, value: spec.default, source: DEFAULT_SOURCE, failed: missing };
  }
  const { raw, source } = given;
  const parsed =
    raw === undefined
      ? ({ ok: false, reason: "type", message: plainFault(slot), hint: "" } as const)
      : parseValue(spec, raw);
  if (!parsed.ok) {
    const message = `${key} ${parsed.message}`;
    found.problems.push(problem(key, source, parsed.reason, message, parsed.hint));
    return { slot, value: undefined, source, failed: true };
  }
  if (spec.secret === true && source.kind === "flag" && source.name === slot.flag) {
    const message = `${key}: a secret on the command line is shown to every user of this machine`;
    found.warnings.push({ key, source, message });
  }
  if (parsed.trimmed) {
    found.warnings.push({ key, source, message: `${key}: blanks around the value were taken off` });
  }
  return { slot, value: parsed.value, source, failed: false };
}

function plainFault({ inner }: Slot): string {
  return inner === undefined ? "has no plain value" : `must be a map of maps, each with ${inner}`;
}

/** Every name that belongs to the slots themselves: keys, variables and flags. */
export function slotNames(slots: readonly Slot[]): ReadonlySet<string> {
  return new Set(slots.flatMap((slot) => [slot.key, slot.environment, slot.flag]));
}
