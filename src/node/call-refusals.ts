import { type Outcome, ServerError } from "../domain/error.ts";

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

/** The node may not act in the store now: its session is gone, or the lease of it is not certain. */
export function noSession(outcome: Outcome): ServerError {
  return new ServerError(
    "state.unavailable",
    "this node holds no session of the statestore",
    outcome,
    { reason: "NO_SESSION", retryAfterMs: 500 },
  );
}

/** The store as a whole is older than what it has confirmed; the node uses it no more. */
export function storeRegressed(store: string): ServerError {
  return new ServerError(
    "state.corrupt",
    `the statestore ${store} lost what it had confirmed; this node uses it no more`,
    "not_started",
    { reason: "STORE_REGRESSED" },
  );
}
