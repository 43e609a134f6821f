import { ServerError } from "../domain/error.ts";

/** No host of the type is there that takes turns. */
export function noHost(typePath: string): ServerError {
  return new ServerError(
    "host.unavailable",
    `no host of actor type ${typePath} is attached`,
    "not_started",
    { reason: "HOST_ABSENT", retryAfterMs: 500 },
  );
}

/** The call was taken back before a host had it. */
export function withdrawn(): ServerError {
  return new ServerError("call.canceled", "nobody waits for the call any more", "not_applied");
}

/** The host went while it ran the turn. */
export function hostLost(): ServerError {
  return new ServerError(
    "host.unavailable",
    "the host was lost while it ran the turn; nothing of it was kept",
    "not_applied",
    { reason: "HOST_LOST", retryAfterMs: 100 },
  );
}

/** The host held the turn for longer than a turn may take. */
export function turnTimeout(): ServerError {
  return new ServerError(
    "host.unavailable",
    "the host did not finish the turn in time; nothing of it was kept",
    "not_applied",
    { reason: "HOST_TIMEOUT" },
  );
}

/** The node takes no new hosts. */
export function nodeDraining(): ServerError {
  return new ServerError("node.draining", "the node is draining", "not_started", {
    reason: "DRAINING",
    retryAfterMs: 500,
  });
}

/** The node knows as many types as it remembers. */
export function tooManyTypes(): ServerError {
  return new ServerError("quota.exceeded", "too many actor types are registered", "not_started", {
    reason: "TYPES",
  });
}

/** Another identity serves the type, or did when it last had a host. */
export function typeOwned(typePath: string): ServerError {
  return new ServerError(
    "access.denied",
    `actor type ${typePath} is served by another identity`,
    "not_started",
    { reason: "KIND_OWNED" },
  );
}
