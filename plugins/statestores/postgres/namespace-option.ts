import type { OptionDescriptors, StatestoreHost } from "../../../src/contract/index.ts";

/** Options of servers that speak as PostgreSQL does. */
export interface NamespaceOptions {
  readonly schema: string;
  readonly prepare: boolean;
}

export const NAMESPACE_OPTIONS: OptionDescriptors<NamespaceOptions> = {
  schema: {
    type: "string",
    default: "public",
    doc: "Schema of the database that holds the tables: lower-case letters, digits and _.",
  },
  prepare: {
    type: "boolean",
    default: true,
    doc: "Keeps statements prepared; false behind a pooler that works by transaction.",
  },
};

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** Throws the host's error unless statements may name this schema. */
export function requireNamespace(schema: string, host: StatestoreHost): void {
  if (IDENTIFIER.test(schema)) return;
  const message = "schema must be lower-case letters, digits and _, at most 63 of them";
  throw host.error("plugin.unsupported", message, "not_applied", { reason: "schema_name" });
}
