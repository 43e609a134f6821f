import type { ErrorCode } from "./error.ts";

/** The codes in which Connect and gRPC speak of failures, and in which hosts hear of them. */
export type ConnectCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** The one table from our codes to the protocols'. */
export const CONNECT_CODES: Readonly<Record<ErrorCode, ConnectCode>> = {
  "request.invalid": "invalid_argument",
  "request.id_conflict": "failed_precondition",
  "request.too_large": "resource_exhausted",
  "identity.missing": "unauthenticated",
  "access.denied": "permission_denied",
  "actor.unknown": "not_found",
  "actor.exists": "already_exists",
  "routing.not_owner": "aborted",
  "routing.unreachable": "unavailable",
  "state.conflict": "aborted",
  "state.fenced": "aborted",
  "state.corrupt": "data_loss",
  "state.too_large": "resource_exhausted",
  "state.exhausted": "failed_precondition",
  "state.type_unknown": "failed_precondition",
  "state.unavailable": "unavailable",
  "mailbox.full": "resource_exhausted",
  "quota.exceeded": "resource_exhausted",
  "node.draining": "unavailable",
  "node.partitioned": "unavailable",
  "host.unavailable": "unavailable",
  "host.failed": "unknown",
  "host.invalid_reply": "internal",
  "call.cycle": "failed_precondition",
  "call.deadline": "deadline_exceeded",
  "call.canceled": "canceled",
  "plugin.unsupported": "unimplemented",
  "internal.bug": "internal",
};
