import { optionsOf, type Catalogue, type CatalogueEntry } from "./catalogue.ts";
import { FAMILIES, type Family } from "./families.ts";
import { optionKey, type Setting } from "./setting.ts";
import { allSettings } from "./settings.ts";
import { formatValue, type ValueSpec } from "./value-types.ts";

/** A JSON Schema (draft 2020-12) as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const DURATION = "^\\d+(\\.\\d+)?(ms|s|m|h)$";
const SIZE = "^\\d+ ?(B|KiB|MiB|GiB)?$";

function typeSchema(spec: ValueSpec): JsonSchema {
  const bounds = {
    ...(spec.min === undefined ? {} : { minimum: spec.min }),
    ...(spec.max === undefined ? {} : { maximum: spec.max }),
  };
  switch (spec.type) {
    case "integer":
      return { type: "integer", ...bounds };
    case "number":
      return { type: "number", ...bounds };
    case "boolean":
      return { type: "boolean" };
    case "duration":
      return { type: "string", pattern: DURATION };
    case "size":
      return {
        anyOf: [
          { type: "string", pattern: SIZE },
          { type: "integer", minimum: 0 },
        ],
      };
    case "list": {
      const items = { type: "string", ...(spec.values === undefined ? {} : { enum: spec.values }) };
      return { anyOf: [{ type: "array", items }, { type: "string" }] };
    }
    case "map":
      return {
        anyOf: [{ type: "object", additionalProperties: { type: "string" } }, { type: "string" }],
      };
    case "string":
      return spec.values === undefined ? { type: "string" } : { enum: spec.values };
    case "path":
    case "url":
    case "address":
      return { type: "string" };
  }
}

/** A map whose entries hold their value under one key of their own. */
function nestedSchema(inner: string): JsonSchema {
  const entry = {
    type: "object",
    properties: { [inner]: { type: "string" } },
    required: [inner],
    additionalProperties: false,
  };
  return { type: "object", additionalProperties: entry };
}

function settingSchema(setting: Setting<unknown>): JsonSchema {
  const { inner, doc } = setting;
  return inner === undefined ? valueSchema(setting) : { description: doc, ...nestedSchema(inner) };
}

function valueSchema(spec: ValueSpec): JsonSchema {
  const byDefault =
    spec.default === undefined ? {} : { default: formatValue(spec.type, spec.default) };
  return { description: spec.doc, ...typeSchema(spec), ...(spec.secret === true ? {} : byDefault) };
}

function pluginSchema(entry: CatalogueEntry, named: boolean): JsonSchema {
  const properties: Record<string, JsonSchema> = { plugin: { const: entry.plugin.name } };
  for (const [name, descriptor] of optionsOf(entry.plugin)) {
    const key = optionKey(name);
    properties[key] = valueSchema(descriptor);
    properties[`${key}_file`] = { type: "string", description: `File that holds ${key}.` };
  }
  return {
    type: "object",
    description: entry.plugin.doc,
    properties,
    additionalProperties: false,
    ...(named ? { required: ["plugin"] } : {}),
  };
}

function familySchema(family: Family, catalogue: Catalogue): JsonSchema {
  const entries = catalogue.entries.filter((entry) => entry.plugin.contract === family.contract);
  const names = entries.map((entry) => entry.plugin.name);
  if (family.many) {
    const instances = { anyOf: entries.map((entry) => pluginSchema(entry, false)) };
    const list = { type: "array", items: { type: "string" } };
    const map = { type: "object", additionalProperties: instances };
    return {
      description: family.doc,
      anyOf: [{ type: "string" }, list, ...(entries.length > 0 ? [map] : [])],
    };
  }
  const described = entries.map((entry) =>
    pluginSchema(entry, entry.plugin.name !== family.byDefault),
  );
  return {
    description: family.doc,
    anyOf: [...(names.length > 0 ? [{ enum: names }] : []), ...described],
  };
}

/** The JSON Schema of configuration files, with the options of every plug-in of the catalogue. */
export function configSchema(catalogue: Catalogue): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const limits: Record<string, JsonSchema> = {};
  for (const setting of allSettings()) {
    const limit = setting.key.startsWith("limits.");
    const target = limit ? limits : properties;
    const key = limit ? setting.key.slice("limits.".length) : setting.key;
    target[key] = settingSchema(setting);
    if (setting.secret === true) {
      target[`${key}_file`] = { type: "string", description: `File that holds ${key}.` };
    }
  }
  properties["limits"] = { type: "object", properties: limits, additionalProperties: false };
  for (const family of FAMILIES) properties[family.key] = familySchema(family, catalogue);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Troupe configuration",
    type: "object",
    properties,
    additionalProperties: false,
  };
}
