/** Where a value came from. Lines and columns count from 1. */
export type ConfigSource =
  | { readonly kind: "default" }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly line?: number;
      readonly column?: number;
    }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "flag"; readonly name: string };

/** The machine word of a problem: stable, one per kind of mistake. */
export type ConfigReason =
  | "unknown_key"
  | "unknown_flag"
  | "unknown_plugin"
  | "unknown_store"
  | "unused"
  | "duplicate_key"
  | "aliases_disabled"
  | "syntax"
  | "empty"
  | "not_found"
  | "not_a_file"
  | "not_readable"
  | "too_large"
  | "type"
  | "range"
  | "duration"
  | "url"
  | "charset"
  | "length"
  | "conflict"
  | "required"
  | "empty_secret"
  | "open_bind"
  | "acl_required"
  | "state_key_missing"
  | "state_key_length"
  | "key_id_conflict"
  | "lease_ratio"
  | "tls_pair"
  | "tls_mismatch"
  | "tls_expired"
  | "runtime_env"
  | "clock"
  | "permission"
  | "plugin_permissions"
  | "scheme_denied"
  | "too_many"
  | "no_default_export"
  | "bad_shape"
  | "bad_manifest"
  | "api_version_missing"
  | "api_version_unsupported"
  | "import_threw"
  | "import_timeout"
  | "integrity_missing"
  | "integrity_mismatch";

/** One mistake in the configuration, complete enough to be mended without reading anything else. */
export interface ConfigProblem {
  /** The dotted key as a file would spell it, or "" if the matter is not one key's. */
  readonly key: string;
  readonly source: ConfigSource;
  readonly reason: ConfigReason;
  /** Lower case, names the subject, never shows a secret. */
  readonly message: string;
  /** What to do, or "". */
  readonly hint: string;
  /** Exit code of the process if this is the only problem: 78, 77 for permissions, 64 for usage. */
  readonly exit: number;
}

/** A value was accepted, but the operator should know something about it. */
export interface ConfigWarning {
  readonly key: string;
  readonly source: ConfigSource;
  readonly message: string;
}

/** Exit code for a configuration that is refused. */
export const EXIT_CONFIG = 78;
/** Exit code for files that others may write or that we may not read. */
export const EXIT_PERMISSION = 77;
/** Exit code for a command line that cannot be understood. */
export const EXIT_USAGE = 64;

/** The source of values that nobody gave. */
export const DEFAULT_SOURCE: ConfigSource = { kind: "default" };

/** Makes a problem with the exit code of its reason. */
export function problem(
  key: string,
  source: ConfigSource,
  reason: ConfigReason,
  message: string,
  hint = "",
): ConfigProblem {
  const permission =
    reason === "permission" || reason === "plugin_permissions" || reason === "not_readable";
  const exit = permission ? EXIT_PERMISSION : reason === "unknown_flag" ? EXIT_USAGE : EXIT_CONFIG;
  return { key, source, reason, message, hint, exit };
}

/** A source as people write it: `troupe.yaml:3:5`, `TROUPE_HTTP_ADDR`, `--port`, `default`. */
export function sourceText(source: ConfigSource): string {
  switch (source.kind) {
    case "default":
      return "default";
    case "environment":
      return source.name;
    case "flag":
      return `--${source.name}`;
    case "file":
      return [source.path, source.line, source.column]
        .filter((part) => part !== undefined)
        .join(":");
  }
}

/** The exit code for several problems: a bad command line first, then configuration, then the rest. */
export function exitCode(problems: readonly ConfigProblem[]): number {
  const codes = problems.map((found) => found.exit);
  if (codes.includes(EXIT_USAGE)) return EXIT_USAGE;
  return codes.includes(EXIT_CONFIG) ? EXIT_CONFIG : (codes[0] ?? 0);
}
