import type { ClaimResult } from "../../contract/index.ts";
import type { ServerError } from "../../domain/error.ts";
import type { Caller, Payload, Reply, StringMap } from "../../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import type { Call } from "./call.ts";
import type { Loss, Position } from "./position.ts";

/** A claim's answer with its state opened. */
export interface ClaimedState {
  readonly handle: number;
  readonly epoch: number;
  readonly revision: number;
  readonly state: Payload | undefined;
  readonly tags: StringMap;
  readonly requestIds: readonly string[] | undefined;
  /** False if the row was made by this claim. */
  readonly existed: boolean;
}

/** Who holds an actor that could not be claimed. */
export type Owner = Extract<ClaimResult, { readonly kind: "owned" }>;

/** What became of a commit that was sent. */
export type CommitOutcome =
  | { readonly kind: "committed" }
  | { readonly kind: "fenced" }
  | { readonly kind: "conflict" }
  /** Proven not applied. */
  | { readonly kind: "failed"; readonly error: ServerError }
  /** May or may not be applied. */
  | { readonly kind: "unknown"; readonly error: ServerError };

/** What happens to an activation. */
export type ActivationInput =
  | { readonly kind: "invoke"; readonly call: Call }
  /** `known`: where the actor stood when it was last active here, as far as that is remembered. */
  | { readonly kind: "claimed"; readonly claimed: ClaimedState; readonly known?: Position }
  | { readonly kind: "owned"; readonly owner: Owner }
  | { readonly kind: "claim-failed"; readonly error: ServerError }
  | { readonly kind: "executed"; readonly result: HostResult }
  /** The host did not run it, or was lost: nothing of it is kept. */
  | { readonly kind: "not-executed"; readonly invocationId: number; readonly error: ServerError }
  | { readonly kind: "settled"; readonly outcome: CommitOutcome }
  /** The answer to `lookup`: the recorded reply, opened, or none. */
  | { readonly kind: "found"; readonly call: Call; readonly found: FoundReply | undefined }
  | { readonly kind: "lookup-failed"; readonly call: Call; readonly error: ServerError }
  /** The answer to the `fence` of this token: the epoch in force. */
  | { readonly kind: "fence-read"; readonly token: number; readonly epoch: number | undefined }
  | { readonly kind: "fence-failed"; readonly token: number; readonly error: ServerError }
  /** The call's deadline has passed, or its caller took it back. */
  | { readonly kind: "expired"; readonly call: Call; readonly error: ServerError }
  | { readonly kind: "timer"; readonly timer: ActivationTimer }
  /** Finish what runs, deal with what waits, and let go. */
  | { readonly kind: "drain"; readonly waiting: WaitingCalls }
  /** The session is lost: nothing of ours may commit any more. */
  | { readonly kind: "fenced" };

/** A recorded reply with the digest of the payload it answered; or that there was one. */
export type FoundReply =
  | { readonly kind: "reply"; readonly digest: Uint8Array; readonly reply: Reply }
  /** The id was answered, and the actor has been shredded since. */
  | { readonly kind: "shredded" };

/**
 * What becomes of the calls that wait when an activation drains: they are refused with an error, they
 * have their turns first, or they go to the activation after this one.
 */
export type WaitingCalls = "finish" | "hand-back" | ServerError;

/** Timers are data: nothing is cancelled; a stale retry is ignored by its token. */
export interface ActivationTimer {
  readonly kind: "idle" | "claim-retry";
  readonly token: number;
}

/** What an activation asks of its driver, to be performed in order. */
export type ActivationEffect =
  | { readonly kind: "claim" }
  | { readonly kind: "execute"; readonly invocation: HostInvocation }
  /** Nobody waits for the invocation any more. */
  | { readonly kind: "cancel"; readonly invocationId: number }
  /** There is something to commit: call `take` when the committer has room. */
  | { readonly kind: "stage" }
  | { readonly kind: "lookup"; readonly call: Call }
  /** Read the epoch in force; the answer carries the token. */
  | { readonly kind: "fence"; readonly token: number }
  | { readonly kind: "reply"; readonly call: Call; readonly reply: Reply }
  | { readonly kind: "reject"; readonly call: Call; readonly error: ServerError }
  /** The activation ends before the call's turn, which has left no trace: begin anew with it. */
  | { readonly kind: "requeue"; readonly call: Call }
  | { readonly kind: "schedule"; readonly timer: ActivationTimer; readonly afterMs: number }
  /** A state has been committed; for those who watch. */
  | {
      readonly kind: "changed";
      readonly state: Payload | undefined;
      readonly tags: StringMap;
      readonly revision: number;
    }
  /** It is durable that nothing from before this revision can be read any more. */
  | { readonly kind: "shredded"; readonly revision: number; readonly caller: Caller }
  /** The store has less than it once confirmed; the activation stops rather than go on from that. */
  | {
      readonly kind: "regressed";
      readonly loss: Loss;
      readonly known: Position;
      readonly found: Position | undefined;
    }
  /** Let go of the claim with this epoch. */
  | { readonly kind: "release"; readonly epoch: number }
  /** The activation is over; a later call begins a new one. */
  | { readonly kind: "ended"; readonly reason: EndReason };

/** Why an activation is over. */
export type EndReason = "idle" | "drained" | "fenced" | "owned" | "unavailable" | "damaged";
