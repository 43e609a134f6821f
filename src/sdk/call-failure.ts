import type { CallError } from "../gen/troupe/v1/invocation_pb.ts";
import { Outcome as WireOutcome } from "../gen/troupe/v1/invocation_pb.ts";

/** What became of a failed call: see `Outcome` in `docs/GUARANTEES.md`. */
export type FailureOutcome = "not_started" | "not_applied" | "unknown";

const OUTCOMES: Readonly<Partial<Record<WireOutcome, FailureOutcome>>> = {
  [WireOutcome.NOT_STARTED]: "not_started",
  [WireOutcome.NOT_APPLIED]: "not_applied",
};

/** A call that failed: `code` is Connect's, or the one that the actor's own code gave. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  readonly code: string;
  readonly outcome: FailureOutcome;
  /** Upper-case reason for machines. */
  readonly reason: string;
  /** When a repeat is worth while, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    outcome: FailureOutcome,
    reason = "",
    retryAfterMs?: number,
  ) {
    super(message);
    this.code = code;
    this.outcome = outcome;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The failure that the server reported as data. */
export function callFailure({ code, message, detail }: CallError): CallFailure {
  const outcome = OUTCOMES[detail?.outcome ?? WireOutcome.UNSPECIFIED] ?? "unknown";
  const own = detail === undefined || detail.hostCode === "" ? code : detail.hostCode;
  const retryAfter = detail?.retryAfter;
  const retryAfterMs =
    retryAfter === undefined
      ? undefined
      : Number(retryAfter.seconds) * 1000 + retryAfter.nanos / 1e6;
  return new CallFailure(own, message, outcome, detail?.reason ?? "", retryAfterMs);
}
