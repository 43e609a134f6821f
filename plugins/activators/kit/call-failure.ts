/** What an activator has to know of a rejected call. Errors match by code, whoever made them. */
export interface CallFailure {
  readonly code: string;
  readonly outcome: string;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  /** A repeat with the same request id may succeed. */
  readonly passing: boolean;
}

/** Codes that say that the server cannot take the call now. */
const PASSING: ReadonlySet<string> = new Set([
  "state.unavailable",
  "state.fenced",
  "host.unavailable",
  "node.draining",
  "node.partitioned",
  "routing.unreachable",
  "routing.not_owner",
  "mailbox.full",
  "quota.exceeded",
  "call.deadline",
]);

/** Reads whatever was thrown. */
export function callFailure(error: unknown): CallFailure {
  const { code, outcome, details } = (error ?? {}) as {
    readonly code?: unknown;
    readonly outcome?: unknown;
    readonly details?: { readonly retryAfterMs?: unknown };
  };
  const known = error instanceof Error && typeof code === "string" ? code : "internal.bug";
  return {
    code: known,
    outcome: typeof outcome === "string" ? outcome : "unknown",
    message: known === "internal.bug" ? "an internal error occurred" : (error as Error).message,
    retryAfterMs: typeof details?.retryAfterMs === "number" ? details.retryAfterMs : undefined,
    passing: PASSING.has(known),
  };
}
