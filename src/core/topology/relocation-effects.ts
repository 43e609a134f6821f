import type { ActorId } from "../../domain/actor.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type { Topology } from "../../domain/topology.ts";
import type { Demand } from "../placement/fitness.ts";
import type { RelocationRefusal } from "./refusals.ts";

/** An actor that is active on this node. */
export interface LocalActor {
  readonly actor: ActorId;
  readonly demand: Demand;
}

/** What became of one move. `refused`: the other side would not have it now. */
export type MoveOutcome = "moved" | "refused" | "failed";

/** What happens to the moves of one system's actors away from this node. */
export type RelocationInput =
  /** Members have changed: give away what belongs to others now, within bounds. */
  | {
      readonly kind: "rebalance";
      readonly before: Topology;
      readonly after: Topology;
      readonly actors: readonly LocalActor[];
    }
  /** Give everything away; `deadlineMs` from now what is left goes without consent. */
  | { readonly kind: "drain"; readonly actors: readonly LocalActor[]; readonly deadlineMs: number }
  /** The drain is taken back; moves under way go on. */
  | { readonly kind: "undrain" }
  /** One actor by hand, without consent. */
  | {
      readonly kind: "migrate";
      readonly actor: ActorId;
      /** Whether it is active on this node. */
      readonly active: boolean;
      readonly to: string;
      /** It stays there whatever placement says. */
      readonly pin: boolean;
    }
  /** The answer to `ask`. */
  | { readonly kind: "consent"; readonly actor: ActorId; readonly answer: "ready" | "defer" }
  /** The actor says by itself that it may move now. */
  | { readonly kind: "ready"; readonly actor: ActorId }
  /** The answer to `move`. */
  | { readonly kind: "moved"; readonly actor: ActorId; readonly outcome: MoveOutcome }
  /** The actor is not active here any more. */
  | { readonly kind: "ended"; readonly actor: ActorId }
  | { readonly kind: "timer"; readonly timer: RelocationTimer };

/** Timers are data: nothing is cancelled; a stale one is ignored by its token. */
export interface RelocationTimer {
  readonly kind: "wave" | "deadline";
  readonly token: number;
}

/** What is asked of the driver, to be performed in order. */
export type RelocationEffect =
  | { readonly kind: "schedule"; readonly timer: RelocationTimer; readonly afterMs: number }
  /** Ask the actor whether it may move now; answer with `consent`. */
  | { readonly kind: "ask"; readonly actor: ActorId }
  /** Hand the actor over; answer with `moved`. */
  | {
      readonly kind: "move";
      readonly actor: ActorId;
      readonly to: string;
      /** Why it may not wait, or `undefined` if it agreed or was not asked. */
      readonly forced: "deadline" | "deferred-too-long" | undefined;
    }
  /** Let go of the actor although nobody takes it: whoever is called for it next claims it. */
  | { readonly kind: "release"; readonly actor: ActorId }
  /** The actor is pinned: tell everybody. */
  | { readonly kind: "pin"; readonly actor: ActorId; readonly to: string }
  | { readonly kind: "hook"; readonly hook: HubHook }
  /** The answer to `drain` or `migrate`: it was not begun. */
  | {
      readonly kind: "refused";
      readonly what: "drain" | "migrate";
      readonly reason: RelocationRefusal;
    }
  /** Nothing is left to move. */
  | { readonly kind: "rebalanced"; readonly moved: number; readonly failed: number }
  | { readonly kind: "drained"; readonly migrated: number; readonly forced: number };
