import type { OptionType } from "../contract/plugin.ts";
import type { ConfigReason } from "./config-problem.ts";

/** A host name or address with a port, e.g. `127.0.0.1:7700` or `[::1]:7700`. */
export interface Address {
  /** Without brackets. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** The types that configuration values may have. */
export type ValueType = OptionType | "address";

/** What each type becomes: durations in milliseconds, sizes in bytes. */
export interface ValueOfType {
  readonly string: string;
  readonly integer: number;
  readonly number: number;
  readonly boolean: boolean;
  readonly duration: number;
  readonly size: number;
  readonly list: readonly string[];
  readonly map: Readonly<Record<string, string>>;
  readonly path: string;
  readonly url: string;
  readonly address: Address;
}

/** A value as it was written: text from anywhere, lists and maps from a file. */
export type RawValue = string | readonly string[] | Readonly<Record<string, string>>;

/** What is wrong with a value. */
export interface ValueFault {
  readonly reason: ConfigReason;
  /** Follows the key, e.g. `must be a whole number`. Never shows the value itself. */
  readonly message: string;
  readonly hint: string;
}

/** What a value must be. The same for settings of the server and options of plug-ins. */
export interface ValueSpec {
  readonly type: ValueType;
  /** Already of the type; absent means that there is none. */
  readonly default?: unknown;
  /** Without a value and without a default the configuration is refused. */
  readonly required?: boolean;
  readonly secret?: boolean;
  readonly doc: string;
  readonly values?: readonly unknown[];
  readonly min?: number;
  readonly max?: number;
  /** A further check on the typed value. */
  readonly check?: (value: unknown) => ValueFault | undefined;
}

/** The outcome of reading one value. */
export type ParsedValue =
  | { readonly ok: true; readonly value: unknown; readonly trimmed: boolean }
  | ({ readonly ok: false } & ValueFault);

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};
const LONGEST_DURATION_MS = 24 * 3_600_000;
const HIGHEST_PORT = 65_535;

const good = (value: unknown): ParsedValue => ({
  ok: true,
  value,
  trimmed: false,
});
const bad = (reason: ConfigReason, message: string, hint = ""): ParsedValue => ({
  ok: false,
  reason,
  message,
  hint,
});

function parseDuration(text: string): ParsedValue {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const hint = "write a number with a unit from 1ms to 24h, e.g. 250ms, 5s, 10m";
  if (found === null) return bad("duration", "must be a duration with a unit", hint);
  const ms = Number(found[1]) * (DURATION_UNITS[found[2] ?? ""] ?? Number.NaN);
  const fits = ms <= LONGEST_DURATION_MS && (ms >= 1 || ms === 0);
  return fits ? good(ms) : bad("duration", "must be a duration of 1ms to 24h", hint);
}

function parseSize(text: string): ParsedValue {
  const found = /^(\d+) ?(B|KiB|MiB|GiB)?$/.exec(text);
  if (found === null) return bad("type", "must be a size", "write e.g. 64KiB, 4MiB or 1048576");
  const bytes = Number(found[1]) * (SIZE_UNITS[found[2] ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? good(bytes) : bad("range", "is too large a size");
}

function parsePort(text: string): ParsedValue {
  if (!/^-?\d{1,15}$/.test(text)) return bad("type", "must have a port that is a whole number");
  const port = Number(text);
  if (port < 0 || port > HIGHEST_PORT)
    return bad("range", `must have a port of 0 to ${HIGHEST_PORT}`);
  return good(port);
}

function parseAddress(text: string): ParsedValue {
  const hint = "write host:port, e.g. 127.0.0.1:7700 or [::1]:7700";
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(.*)$/.exec(text);
  if (found === null) return bad("type", "must be an address of host and port", hint);
  const port = parsePort(found[3] ?? "");
  if (!port.ok) return port;
  return good(
    Object.freeze({
      host: found[1] ?? found[2] ?? "",
      port: Number(port.value),
    }),
  );
}

/** The authority of a URL shown to nobody: user and password are left out of every message. */
function parseUrl(text: string): ParsedValue {
  const hint = "write scheme://host/path, and percent-encode user and password";
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined || /\s/.test(text) || !URL.canParse(text)) {
    return bad("url", "must be a URL", hint);
  }
  if (authority.split("@").length > 2) {
    return bad("url", "has an @ in its user or password that is not written %40", hint);
  }
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return host === "" && !text.startsWith("file:")
    ? bad("url", "must be a URL that names a host", hint)
    : good(text);
}

function parseNumber(text: string, whole: boolean): ParsedValue {
  const wanted = whole ? "a whole number" : "a number";
  const shape = whole ? /^-?\d+$/ : /^-?\d+(\.\d+)?(e-?\d+)?$/;
  if (!shape.test(text)) return bad("type", `must be ${wanted}`);
  const value = Number(text);
  const exact = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  return exact ? good(value) : bad("range", `is too large for ${wanted}`);
}

function parseList(raw: RawValue): ParsedValue {
  if (typeof raw !== "string") {
    return Array.isArray(raw) ? good(Object.freeze([...raw])) : bad("type", "must be a list");
  }
  const items = raw.trim() === "" ? [] : raw.split(",").map((item) => item.trim());
  return items.includes("") ? bad("type", "has an empty item") : good(Object.freeze(items));
}

function parseMap(raw: RawValue): ParsedValue {
  if (typeof raw !== "string" && !Array.isArray(raw)) return good(Object.freeze({ ...raw }));
  const list = parseList(raw);
  if (!list.ok) return list;
  const pairs = (list.value as readonly string[]).map((item): [string, string] => {
    const at = item.indexOf("=");
    return at < 0 ? ["", ""] : [item.slice(0, at).trim(), item.slice(at + 1).trim()];
  });
  if (pairs.some(([name]) => name === "")) {
    return bad("type", "must be a map", "write name=value, separated by commas");
  }
  const twice = pairs.find(([name], index) => pairs.findIndex((pair) => pair[0] === name) < index);
  if (twice !== undefined) return bad("duplicate_key", `names ${twice[0]} twice`);
  return good(Object.freeze(Object.fromEntries(pairs)));
}

function parseText(type: Exclude<ValueType, "list" | "map">, text: string): ParsedValue {
  switch (type) {
    case "string":
      return text.includes("\0") ? bad("charset", "must not hold a zero character") : good(text);
    case "path":
      return text === "" || text.includes("\0") ? bad("type", "must be a path") : good(text);
    case "integer":
      return parseNumber(text, true);
    case "number":
      return parseNumber(text, false);
    case "boolean":
      if (text === "true" || text === "1") return good(true);
      if (text === "false" || text === "0") return good(false);
      return bad("type", "must be true or false", "write true, false, 1 or 0");
    case "duration":
      return parseDuration(text);
    case "size":
      return parseSize(text);
    case "url":
      return parseUrl(text);
    case "address":
      return parseAddress(text);
  }
}

function checkRange(spec: ValueSpec, value: unknown): ValueFault | undefined {
  if (Array.isArray(value) && spec.max !== undefined && value.length > spec.max) {
    return { reason: "range", message: `must have at most ${spec.max} items`, hint: "" };
  }
  if (typeof value !== "number") return undefined;
  const duration = spec.type === "duration";
  const { min: low = duration ? 1 : Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } =
    spec;
  if (value >= low && value <= max) return undefined;
  const bounds = [low, max].map((bound) =>
    Number.isFinite(bound) ? formatValue(spec.type, bound) : "any",
  );
  // No time at all is no duration; some settings allow it by their own minimum.
  const reason = duration && value === 0 ? "duration" : "range";
  return { reason, message: `must be ${bounds.join(" to ")}`, hint: "" };
}

function checkSpec(spec: ValueSpec, value: unknown): ValueFault | undefined {
  const outside = checkRange(spec, value);
  if (outside !== undefined) return outside;
  const allowed = spec.values;
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (allowed !== undefined && items.some((item) => !allowed.includes(item))) {
    return { reason: "type", message: `must be one of ${allowed.join(", ")}`, hint: "" };
  }
  return spec.check?.(value);
}

/**
 * Reads one value and checks it. Blanks around the value are taken off (and that is said), except
 * for secrets, which are taken as they are.
 */
export function parseValue(spec: ValueSpec, raw: RawValue): ParsedValue {
  const untrimmed = typeof raw === "string" && spec.secret !== true && raw !== raw.trim();
  const input = untrimmed ? raw.trim() : raw;
  let parsed: ParsedValue;
  if (spec.type === "list") parsed = parseList(input);
  else if (spec.type === "map") parsed = parseMap(input);
  else if (typeof input !== "string") parsed = bad("type", "must be a single value");
  else parsed = parseText(spec.type, input);
  if (!parsed.ok) return parsed;
  const fault = checkSpec(spec, parsed.value);
  return fault === undefined ? { ...parsed, trimmed: untrimmed } : { ok: false, ...fault };
}

/** A typed value as one would write it in configuration. */
export function formatValue(type: ValueType, value: unknown): string {
  if (value === undefined) return "";
  if (type === "duration" && typeof value === "number") {
    const unit = ["h", "m", "s"].find(
      (name) => value > 0 && value % (DURATION_UNITS[name] ?? 1) === 0,
    );
    return unit === undefined ? `${value}ms` : `${value / (DURATION_UNITS[unit] ?? 1)}${unit}`;
  }
  if (type === "size" && typeof value === "number") {
    const unit = ["GiB", "MiB", "KiB"].find(
      (name) => value > 0 && value % (SIZE_UNITS[name] ?? 1) === 0,
    );
    return unit === undefined ? String(value) : `${value / (SIZE_UNITS[unit] ?? 1)}${unit}`;
  }
  if (type === "address") {
    const { host, port } = value as Address;
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, item]) => `${name}=${String(item)}`)
      .join(",");
  }
  return String(value);
}
