import type { ActorId } from "./actor.ts";

/**
 * The closed list of what can go wrong. A code says whose matter it is (`request`, `state`, `host` …);
 * `edge/error-map.ts` maps each onto Connect, gRPC and HTTP.
 */
export type ErrorCode =
  | "request.invalid"
  | "request.id_conflict"
  | "request.too_large"
  | "identity.missing"
  | "access.denied"
  | "actor.unknown"
  | "actor.exists"
  | "routing.not_owner"
  | "routing.unreachable"
  | "state.conflict"
  | "state.fenced"
  | "state.corrupt"
  | "state.too_large"
  | "state.exhausted"
  | "state.type_unknown"
  | "state.unavailable"
  | "mailbox.full"
  | "quota.exceeded"
  | "node.draining"
  | "node.partitioned"
  | "host.unavailable"
  | "host.failed"
  | "host.invalid_reply"
  | "call.cycle"
  | "call.deadline"
  | "call.canceled"
  | "plugin.unsupported"
  | "internal.bug";

/**
 * What became of the call, the promise that every client relies on (guarantee G7):
 * `not_started` it never reached the actor; `not_applied` it ran and nothing of it was kept;
 * `unknown` it may or may not have been applied: repeat with the same request id to learn the truth.
 */
export type Outcome = "not_started" | "not_applied" | "unknown";

/** What an error carries beside its code. */
export interface ErrorDetails {
  /** Upper-case reason for machines, e.g. `ID_TOO_LONG`. */
  readonly reason?: string;
  /** When a repeat is worth while, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** The revision in force, where a revision was the matter. */
  readonly currentRevision?: number;
  /** The turn was committed although this call failed (a reply that could not be delivered). */
  readonly committed?: boolean;
  /** The host's own error code, for `host.failed`. */
  readonly hostCode?: string;
  /** Who owns the actor, for `routing.not_owner`. */
  readonly owner?: string;
  /** What the process ends with if this stops the start (`sysexits.h`). */
  readonly exitCode?: number;
  /** What the operator can do about it, one line. */
  readonly hint?: string;
  /** The actors that would wait for each other, outermost first, for `call.cycle`. */
  readonly cycle?: readonly ActorId[];
  readonly cause?: unknown;
}

/** The one error that crosses rooms. Matched by `code`, never by class, so that copies of it work too. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, outcome: Outcome, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.outcome = outcome;
    this.details = details;
  }
}

/** True for our error and for a copy of it made on the other side of a plug-in line. */
export function isServerError(error: unknown): error is ServerError {
  return (
    error instanceof Error && error.name === "ServerError" && "code" in error && "outcome" in error
  );
}

/** The single door for unknown throws: ours pass, everything else becomes `internal.bug`. */
export function toServerError(error: unknown, outcome: Outcome = "unknown"): ServerError {
  if (isServerError(error)) return error;
  return new ServerError("internal.bug", "an internal error occurred", outcome, { cause: error });
}
