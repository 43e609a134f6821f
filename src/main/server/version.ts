declare const TROUPE_VERSION: string | undefined;
declare const TROUPE_COMMIT: string | undefined;

/** Version and commit of this build; from source there is no build. */
export const build = {
  version: typeof TROUPE_VERSION === "undefined" ? "0.0.0-source" : TROUPE_VERSION,
  commit: typeof TROUPE_COMMIT === "undefined" ? "unknown" : TROUPE_COMMIT,
} as const;
