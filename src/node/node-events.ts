import type { ActorId } from "../domain/actor.ts";
import type { Caller } from "../domain/invocation.ts";

/** What a node announces. None of these may throw; callers on the hot path do not wait. */
export interface NodeEvents {
  activated(actor: ActorId, epoch: number): void;
  deactivated(actor: ActorId, reason: string): void;
  /** Nothing that the actor had before `revision` can be read any more; `caller` asked for it. */
  shredded(actor: ActorId, revision: number, caller: Caller): void;
  hostAttached(hostId: string, types: readonly string[]): void;
  hostLost(hostId: string, reason: string): void;
  /** A store was reached again, or was not. Told once per change. */
  storeReachable(store: string, reachable: boolean): void;
}
