import { type ActorId, actorPath } from "../../domain/actor.ts";
import { type Outcome, ServerError } from "../../domain/error.ts";
import type { Invocation } from "../../domain/invocation.ts";
import type { TurnFailure } from "../../domain/turn.ts";
import type { Owner } from "./effects.ts";
import type { Loss } from "./position.ts";

/** The errors an activation answers with, each with what became of the call. */
export const outcomes = {
  fenced: (): ServerError =>
    new ServerError(
      "state.fenced",
      "the actor is owned by another node now; the call was not applied",
      "not_applied",
    ),
  fencedWaiting: (): ServerError =>
    new ServerError(
      "state.fenced",
      "the actor is owned by another node now; the call was not started",
      "not_started",
    ),
  conflict: (): ServerError =>
    new ServerError(
      "state.conflict",
      "the stored revision is not the one this turn began from; the call was not applied",
      "not_applied",
    ),
  owned: (owner: Owner): ServerError =>
    new ServerError(
      "routing.not_owner",
      `the actor is owned by node ${owner.nodeName}`,
      "not_started",
      { reason: "NOT_OWNER", owner: owner.nodeName },
    ),
  aborted: (): ServerError =>
    new ServerError(
      "state.unavailable",
      "an earlier turn of the actor could not be committed; the call was not applied",
      "not_applied",
      { retryAfterMs: 100 },
    ),
  unknownCommit: (): ServerError =>
    new ServerError(
      "state.unavailable",
      "the commit may or may not have been applied; repeat with the same request id to learn which",
      "unknown",
    ),
  lost: (loss: Loss, outcome: Outcome): ServerError =>
    new ServerError(
      "state.corrupt",
      loss === "STATE_MISSING"
        ? "the store lost the row of this actor"
        : "the store lost committed revisions of this actor",
      outcome,
      { reason: loss },
    ),
  hostFailed: ({ code, message, reason }: TurnFailure): ServerError =>
    reason === undefined
      ? new ServerError("host.failed", message, "not_applied", { hostCode: code })
      : new ServerError("host.invalid_reply", message, "not_applied", { reason }),
  invalidReply: (what: string): ServerError =>
    new ServerError("host.invalid_reply", what, "not_applied", { reason: "HOST_REPLY_INVALID" }),
  expired: (): ServerError =>
    new ServerError("call.deadline", "the deadline passed before the turn began", "not_started"),
  idConflict: (): ServerError =>
    new ServerError(
      "request.id_conflict",
      "the request id was used before with another payload",
      "not_applied",
      { reason: "IDEMPOTENCY_CONFLICT" },
    ),
  mailboxFull: (): ServerError =>
    new ServerError("mailbox.full", "the mailbox of the actor is full", "not_started", {
      reason: "MAILBOX_FULL",
      retryAfterMs: 100,
    }),
  ending: (): ServerError =>
    new ServerError("node.draining", "the actor is being deactivated here", "not_started", {
      reason: "DRAINING",
      retryAfterMs: 50,
    }),
  stateTooLarge: (bytes: number, limit: number): ServerError =>
    new ServerError(
      "state.too_large",
      `the state of ${bytes} bytes is larger than the limit of ${limit} bytes`,
      "not_applied",
      { reason: "STATE_TOO_LARGE" },
    ),
  unsupported: (effect: string): ServerError =>
    new ServerError(
      "plugin.unsupported",
      `this server does not offer the effect ${effect}`,
      "not_applied",
      { reason: "EFFECT_UNSUPPORTED" },
    ),
  cannotShred: (): ServerError =>
    new ServerError(
      "plugin.unsupported",
      "the statestore keeps no seeds, so nothing of an actor can be shredded",
      "not_applied",
      { reason: "SHRED" },
    ),
  shredded: (): ServerError =>
    new ServerError(
      "actor.exists",
      "the call was applied before, and its recorded reply has been shredded since",
      "unknown",
      { reason: "SHREDDED", committed: true },
    ),
  wrongRevision: (expected: number, current: number): ServerError =>
    new ServerError(
      "state.conflict",
      `the actor is at revision ${current}, not ${expected}`,
      "not_applied",
      { reason: "REVISION_MISMATCH", currentRevision: current },
    ),
  exhausted: (): ServerError =>
    new ServerError("state.exhausted", "the actor has used up its revisions", "not_applied", {
      reason: "REV_EXHAUSTED",
    }),
  cycle: (chain: readonly ActorId[], target: ActorId): ServerError =>
    new ServerError(
      "call.cycle",
      `the call would wait for itself: ${[...chain, target].map(actorPath).join(" -> ")}`,
      "not_started",
      { reason: "REENTRANCY", cycle: [...chain, target] },
    ),
  tooDeep: (depth: number): ServerError =>
    new ServerError("call.cycle", `the call chain is deeper than ${depth} actors`, "not_started", {
      reason: "CHAIN_TOO_DEEP",
    }),
} as const;

/**
 * Refuses a call that would wait for a turn that waits for it. The chain names every actor whose
 * turn is waiting, so a target that is on it can never answer.
 */
export function cycleError(invocation: Invocation, maxDepth: number): ServerError | undefined {
  const { chain, actor } = invocation;
  if (chain.length === 0) return undefined;
  for (const link of chain) {
    if (link.key === actor.key && link.type === actor.type && link.system === actor.system) {
      return outcomes.cycle(chain, actor);
    }
  }
  return chain.length >= maxDepth ? outcomes.tooDeep(maxDepth) : undefined;
}
