import { assert } from "../std/assert.ts";
import {
  parseValue,
  type ValueFault,
  type ValueOfType,
  type ValueSpec,
  type ValueType,
} from "./value-types.ts";

/**
 * One key of the server's configuration as data. Everything that is known of it (name of its variable
 * and flag, check, error text, documentation, JSON Schema) comes from here.
 */
export interface Setting<Value> extends ValueSpec {
  /** As a file spells it, e.g. `http_addr` or `limits.mailbox_calls`. */
  readonly key: string;
  /** Accepted and checked, but nothing in this release acts on it. */
  readonly reserved?: boolean;
  /** Its variable, where that is not made from the key. */
  readonly variable?: string;
  /** Of a map: in a file each entry is a map of its own, which holds the value under this key. */
  readonly inner?: string;
  /** Only for the type of the value. */
  readonly kind?: Value;
}

/** What a setting may have besides key, type, default and doc. */
export interface SettingExtras {
  readonly min?: number;
  readonly max?: number;
  readonly secret?: boolean;
  readonly reserved?: boolean;
  readonly variable?: string;
  readonly inner?: string;
  readonly check?: (value: unknown) => ValueFault | undefined;
}

/** A setting that always has a value; the default is written as an operator would write it. */
export function setting<T extends ValueType>(
  key: string,
  type: T,
  byDefault: string,
  doc: string,
  extras: SettingExtras = {},
): Setting<ValueOfType[T]> {
  const spec = { key, type, doc, ...extras };
  const parsed = parseValue(spec, byDefault);
  assert(parsed.ok, `the default of ${key} is valid`);
  return { ...spec, default: parsed.value };
}

/** A setting that may be absent. */
export function optional<T extends ValueType>(
  key: string,
  type: T,
  doc: string,
  extras: SettingExtras = {},
): Setting<ValueOfType[T] | undefined> {
  return { key, type, doc, ...extras };
}

/** A setting whose value is one of a closed list. */
export function choice<V extends string>(
  key: string,
  values: readonly V[],
  byDefault: V,
  doc: string,
  extras: SettingExtras = {},
): Setting<V> {
  return { key, type: "string", values, default: byDefault, doc, ...extras };
}

/** The values of a table of settings. */
export type SettingValues<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

/** `http_addr` → `TROUPE_HTTP_ADDR`, `limits.mailbox_calls` → `TROUPE_LIMITS_MAILBOX_CALLS`. */
export function environmentName(key: string): string {
  return `TROUPE_${key.toUpperCase().replaceAll(/[.-]/g, "_")}`;
}

/** The variable of a setting or of a family of plug-ins. */
export function variableOf(named: { readonly key: string; readonly variable?: string }): string {
  return named.variable ?? environmentName(named.key);
}

/** `TROUPE_HTTP_ADDR` → `http-addr`: flags mirror the variables. */
export function flagName(environment: string): string {
  return environment.slice("TROUPE_".length).toLowerCase().replaceAll("_", "-");
}

/** `poolSize` → `pool_size`: how an option of a plug-in is spelt in configuration. */
export function optionKey(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
