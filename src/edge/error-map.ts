import { create } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import { CONNECT_CODES, type ConnectCode } from "../domain/connect-code.ts";
import type { ErrorCode, Outcome, ServerError } from "../domain/error.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import type { CallError, ErrorDetail } from "../gen/troupe/v1/invocation_pb.ts";
import {
  ActorIdSchema,
  CallErrorSchema,
  ErrorDetailSchema,
  Outcome as WireOutcome,
} from "../gen/troupe/v1/invocation_pb.ts";

/** What every protocol calls a failure. Connect's numbers are those of gRPC. */
export const STATUSES = {
  canceled: { grpc: 1, http: 499 },
  unknown: { grpc: 2, http: 500 },
  invalid_argument: { grpc: 3, http: 400 },
  deadline_exceeded: { grpc: 4, http: 504 },
  not_found: { grpc: 5, http: 404 },
  already_exists: { grpc: 6, http: 409 },
  permission_denied: { grpc: 7, http: 403 },
  resource_exhausted: { grpc: 8, http: 429 },
  failed_precondition: { grpc: 9, http: 400 },
  aborted: { grpc: 10, http: 409 },
  out_of_range: { grpc: 11, http: 400 },
  unimplemented: { grpc: 12, http: 501 },
  internal: { grpc: 13, http: 500 },
  unavailable: { grpc: 14, http: 503 },
  data_loss: { grpc: 15, http: 500 },
  unauthenticated: { grpc: 16, http: 401 },
} as const satisfies Readonly<Record<ConnectCode, { grpc: number; http: number }>>;

/** Reasons whose name says more than the code they belong to. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  "request.id_conflict": "IDEMPOTENCY_CONFLICT",
  "call.cycle": "REENTRANCY",
};

const OUTCOMES: Readonly<Record<Outcome, WireOutcome>> = {
  not_started: WireOutcome.NOT_STARTED,
  not_applied: WireOutcome.NOT_APPLIED,
  unknown: WireOutcome.UNKNOWN,
};

const ERROR_DOMAIN = "troupe";

/** The protocols' code of an error: the host's own where user code failed with one of them. */
export function connectCodeOf(error: ServerError): ConnectCode {
  const { hostCode } = error.details;
  const own =
    error.code === "host.failed" && hostCode !== undefined && Object.hasOwn(STATUSES, hostCode);
  return own ? (hostCode as ConnectCode) : CONNECT_CODES[error.code];
}

const MESSAGE_CHARACTERS = 4_096;

/** User code may say anything: what cannot be written as UTF-8, or has no end, must not leave so. */
function shownMessage({ message }: ServerError): string {
  return message.slice(0, MESSAGE_CHARACTERS).toWellFormed();
}

/** The reason for machines; the code itself where nobody gave one. */
export function reasonOf(error: ServerError): string {
  return (
    error.details.reason ?? REASONS[error.code] ?? error.code.toUpperCase().replaceAll(".", "_")
  );
}

interface Detail {
  readonly desc: DescMessage;
  readonly value: Record<string, unknown>;
}

/** The error as Connect, gRPC and gRPC-web write it, with its details. */
export function toConnectError(error: ServerError): ConnectError {
  const connectError = new ConnectError(
    shownMessage(error),
    STATUSES[connectCodeOf(error)].grpc as Code,
    retryHeaders(error),
    undefined,
    error.details.cause,
  );
  connectError.details = details(error) as unknown as ConnectError["details"];
  return connectError;
}

/** The error as data, where it is not the status of a whole RPC. */
export function toCallError(error: ServerError): CallError {
  return create(CallErrorSchema, {
    code: connectCodeOf(error),
    message: shownMessage(error),
    detail: create(ErrorDetailSchema, errorDetail(error)),
  });
}

/** `retry-after` in whole seconds, rounded up, where a repeat is worth while. */
export function retryHeaders(error: ServerError): Record<string, string> {
  const { retryAfterMs } = error.details;
  if (retryAfterMs === undefined) return {};
  return { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
}

function details(error: ServerError): Detail[] {
  const reason = reasonOf(error);
  const found: Detail[] = [
    { desc: ErrorDetailSchema, value: errorDetail(error) },
    { desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN } },
  ];
  const { retryAfterMs } = error.details;
  if (retryAfterMs !== undefined) {
    found.push({ desc: RetryInfoSchema, value: { retryDelay: duration(retryAfterMs) } });
  }
  return found;
}

function errorDetail(error: ServerError): Partial<Omit<ErrorDetail, "$typeName">> {
  const { retryAfterMs, currentRevision, committed, hostCode, owner, cycle } = error.details;
  return {
    code: error.code,
    outcome: OUTCOMES[error.outcome],
    reason: reasonOf(error),
    ...(retryAfterMs !== undefined && { retryAfter: duration(retryAfterMs) }),
    ...(currentRevision !== undefined && { currentRevision: BigInt(currentRevision) }),
    committed: committed ?? false,
    hostCode: hostCode ?? "",
    owner: owner ?? "",
    ...(cycle !== undefined && { cycle: cycle.map((id) => create(ActorIdSchema, id)) }),
  };
}

/** The parts of a protobuf duration. */
function duration(ms: number): {
  $typeName: "google.protobuf.Duration";
  seconds: bigint;
  nanos: number;
} {
  const seconds = Math.trunc(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1_000_000);
  return { $typeName: "google.protobuf.Duration", seconds: BigInt(seconds), nanos };
}
