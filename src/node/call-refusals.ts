import { ServerError } from "../domain/error.ts";

/** What the activation table answers to calls that it cannot take, or not in time. */
export function deadline(): ServerError {
  return new ServerError("call.deadline", "the deadline passed before the answer", "unknown");
}

export function canceled(): ServerError {
  return new ServerError("call.canceled", "the caller took the call back", "not_started");
}

export function unknownType(typePath: string): ServerError {
  return new ServerError(
    "actor.unknown",
    `no actor type ${typePath} is registered`,
    "not_started",
    { reason: "TYPE_UNKNOWN" },
  );
}

export function overloaded(): ServerError {
  return new ServerError("quota.exceeded", "the node has too many calls under way", "not_started", {
    reason: "IN_FLIGHT",
    retryAfterMs: 100,
  });
}

export function tooManyActivations(): ServerError {
  return new ServerError("quota.exceeded", "the node has too many active actors", "not_started", {
    reason: "ACTIVATIONS",
    retryAfterMs: 1_000,
  });
}
