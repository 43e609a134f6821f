import type { ActorId } from "../../domain/actor.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type { Payload, StringMap } from "../../domain/invocation.ts";
import type { HandoffReceiverOptions } from "./handoff-receiver.ts";
import type { HandoffSenderOptions } from "./handoff-sender.ts";

/** The bounds of both sides of a handoff. */
export type HandoffOptions = HandoffSenderOptions & HandoffReceiverOptions;

/** What the old owner holds of an actor after its last commit. */
export interface HandoffState {
  /** The epoch of its claim; the new owner's has to be the next. */
  readonly epoch: number;
  readonly revision: number;
  /** `undefined` for an actor without state. */
  readonly state: Payload | undefined;
  readonly tags: StringMap;
}

/** The old owner's offer to the new one. */
export interface HandoffOffer {
  readonly actor: ActorId;
  /** Absent when nothing is sent along: the new owner reads the store. */
  readonly held: HandoffState | undefined;
}

/** Why the new owner will not have the actor. */
export type DeclineReason = "draining" | "partitioned" | "not-served" | "active" | "full";

/** How a handoff ended for the old owner. */
export type SenderEnd =
  /** The new owner has been told to claim, with the state that was sent. */
  | "warm"
  /** The same without the state. */
  | "cold"
  /** Released, and nobody was told: whoever is called for it next claims it. */
  | "released"
  /** The store did not answer: the actor may still be claimed by this node. */
  | "kept"
  /** The claim went with the activation. */
  | "lost";

/** What happens to a handoff at the old owner. */
export type SenderInput =
  | { readonly kind: "begin" }
  /** The activation is over: its last turn is committed, its claim still held. */
  | { readonly kind: "drained"; readonly held: HandoffState }
  /** The activation ended otherwise, and its claim with it: there is nothing to hand over. */
  | { readonly kind: "lost" }
  | { readonly kind: "accepted" }
  | { readonly kind: "declined"; readonly reason: DeclineReason }
  /** The new owner is dead or has left. */
  | { readonly kind: "target-gone" }
  | { readonly kind: "released" }
  | { readonly kind: "not-released" }
  | { readonly kind: "timer"; readonly token: number };

/** What the old owner's side asks of its driver, to be performed in order. */
export type SenderEffect =
  /** Finish the running turn, commit, and hold the claim; waiting calls are held for the new owner. */
  | { readonly kind: "drain" }
  | { readonly kind: "offer"; readonly to: string; readonly offer: HandoffOffer }
  | { readonly kind: "release"; readonly epoch: number }
  /** Tell the new owner that it may claim. */
  | { readonly kind: "announce"; readonly to: string; readonly epoch: number }
  | { readonly kind: "schedule"; readonly token: number; readonly afterMs: number }
  | { readonly kind: "hook"; readonly hook: HubHook }
  | { readonly kind: "ended"; readonly end: SenderEnd; readonly declined?: DeclineReason };

/** How a handoff ended for the new owner. */
export type ReceiverEnd =
  /** Active with the state that was sent. */
  | "warm"
  /** Active with the state of the store. */
  | "cold"
  | "declined"
  /** Another holds the actor. */
  | "owned"
  /** The claim failed; the next call claims anew. */
  | "failed"
  /** The store has lost commits: its revision is behind what was sent. The actor must not run. */
  | "damaged"
  /** The old owner was not heard of again. */
  | "expired";

/** What happens to a handoff at the new owner. */
export type ReceiverInput =
  /** `refusal`: why this node will not have it now. */
  | {
      readonly kind: "offered";
      readonly offer: HandoffOffer;
      readonly refusal: DeclineReason | undefined;
    }
  /** The old owner has released. */
  | { readonly kind: "announced"; readonly epoch: number }
  /** Somebody calls the actor here and waits. */
  | { readonly kind: "wanted" }
  /** The old owner is dead or has left: its claim is worth what its session is. */
  | { readonly kind: "source-gone" }
  | { readonly kind: "claimed"; readonly epoch: number; readonly revision: number }
  | { readonly kind: "owned" }
  | { readonly kind: "claim-failed" }
  | { readonly kind: "timer"; readonly token: number };

/** What the new owner's side asks of its driver, to be performed in order. */
export type ReceiverEffect =
  | { readonly kind: "accept" }
  | { readonly kind: "decline"; readonly reason: DeclineReason }
  | { readonly kind: "claim" }
  /** Begin the activation: with what was sent, or with what the claim has read. */
  | { readonly kind: "activate"; readonly held: HandoffState | undefined }
  | { readonly kind: "schedule"; readonly token: number; readonly afterMs: number }
  | { readonly kind: "hook"; readonly hook: HubHook }
  | { readonly kind: "ended"; readonly end: ReceiverEnd };
