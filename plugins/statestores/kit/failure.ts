import type {
  ErrorCode,
  ErrorDetails,
  Outcome,
  PluginHost,
  ServerError,
} from "../../../src/contract/index.ts";

/** What went wrong as plain data, so that it passes between threads unharmed. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;
}

/** A failure on its way to the plug-in's edge, where `raise` makes it the server's own error. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
  readonly failure: Failure;

  constructor(code: ErrorCode, message: string, outcome: Outcome, details: ErrorDetails = {}) {
    super(message);
    this.failure = { code, message, outcome, details };
  }
}

/** The server's error for a failure, made by the host so that it is recognised. */
export function raise(host: PluginHost, failure: Failure): ServerError {
  return host.error(failure.code, failure.message, failure.outcome, failure.details);
}
