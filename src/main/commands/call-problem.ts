import { Code, type ConnectError } from "@connectrpc/connect";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  Outcome as WireOutcome,
} from "../../gen/troupe/v1/invocation_pb.ts";
import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";

const EXITS: ReadonlyMap<Code, number> = new Map([
  [Code.InvalidArgument, EXIT.usage],
  [Code.OutOfRange, EXIT.usage],
  [Code.DataLoss, EXIT.damaged],
  [Code.Unavailable, EXIT.unavailable],
  [Code.Internal, EXIT.bug],
  [Code.Aborted, EXIT.retry],
  [Code.ResourceExhausted, EXIT.retry],
  [Code.DeadlineExceeded, EXIT.retry],
  [Code.PermissionDenied, EXIT.permission],
  [Code.Unauthenticated, EXIT.permission],
]);

const OUTCOMES: ReadonlyMap<WireOutcome, string> = new Map([
  [WireOutcome.NOT_STARTED, "not_started"],
  [WireOutcome.NOT_APPLIED, "not_applied"],
]);

const ADVICE: Readonly<Record<string, string>> = {
  not_started: "it never reached the actor and may be repeated",
  not_applied: "it reached the actor, and nothing of it was kept",
  committed: "the call was applied, so a repeat changes nothing",
  unknown: "it may have been applied; repeat it with the same --request-id to learn the answer",
};

/** What a failed call says to whoever made it, and the exit code it asks for. */
export function callProblem(error: ConnectError, url: string): CommandError {
  const [detail] = error.findDetails(ErrorDetailSchema);
  if (detail === undefined) return transportProblem(error, url);
  const outcome = OUTCOMES.get(detail.outcome) ?? "unknown";
  const advice = ADVICE[detail.committed ? "committed" : outcome] ?? "";
  const own = detail.hostCode !== "";
  // User code may borrow any code; only the server's own say something about the server.
  const exit = detail.code === "host.failed" ? EXIT.failed : (EXITS.get(error.code) ?? EXIT.failed);
  const code = own ? detail.hostCode : codeName(error.code);
  return new CommandError(`${code}: ${error.rawMessage}`, exit, hintOf(error, detail, advice), {
    code,
    outcome,
    reason: detail.reason,
    ...retryAfter(detail),
  });
}

/** No answer of a node, or of something that is none. */
function transportProblem(error: ConnectError, url: string): CommandError {
  const fields = { code: codeName(error.code), outcome: "unknown" };
  if (error.code === Code.DeadlineExceeded) {
    const message = `no answer from ${url} in time`;
    return new CommandError(message, EXIT.retry, `--timeout waits longer; ${ADVICE["unknown"]}`, {
      ...fields,
    });
  }
  const refused = /ECONNREFUSED|refused/i.test(`${error.rawMessage} ${causeCode(error)}`);
  if (refused) {
    const message = `nobody listens at ${url}`;
    const hint = `is a node running at ${url}? start one with: troupe dev actors.ts`;
    return new CommandError(message, EXIT.unavailable, hint, { ...fields, outcome: "not_started" });
  }
  const what = `${url} does not answer as a node: ${error.rawMessage}`;
  // Something in front of the node may ask for a token in its own way.
  const forbidden = error.code === Code.Unauthenticated || error.code === Code.PermissionDenied;
  const exit = forbidden ? EXIT.permission : EXIT.unavailable;
  const untrusted = /certificate|self.signed|issuer/i.test(`${what} ${causeCode(error)}`);
  const hint = untrusted
    ? "NODE_EXTRA_CA_CERTS names a file with the authority of its certificate"
    : "is that the client port of a node, and does it speak http or https? see --url";
  return new CommandError(what, exit, hint, fields);
}

function causeCode(error: ConnectError): string {
  const { cause } = error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function hintOf(error: ConnectError, detail: ErrorDetail, outcome: string): string {
  if (error.code === Code.Unauthenticated) return "give a token: TROUPE_TOKEN or --token-file";
  if (error.code === Code.NotFound) {
    return "what is served is in the first lines of the server, and at /statusz of its admin address";
  }
  if (error.code === Code.DataLoss) return "it is as it was, and a repeat does not help";
  if (error.code === Code.InvalidArgument || error.code === Code.PermissionDenied) return "";
  const { retry_after_ms: afterMs } = retryAfter(detail);
  return afterMs === undefined ? outcome : `${outcome}; repeat it in ${afterMs} ms`;
}

function retryAfter({ retryAfter: after }: ErrorDetail): { readonly retry_after_ms?: number } {
  if (after === undefined) return {};
  return { retry_after_ms: Number(after.seconds) * 1000 + Math.round(after.nanos / 1e6) };
}

/** `DeadlineExceeded` → `deadline_exceeded`, as the protocols spell it. */
function codeName(code: Code): string {
  return (Code[code] ?? "unknown")
    .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
}
