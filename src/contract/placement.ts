import type { ActorId } from "../domain/actor.ts";
import type { MemberLoad } from "../domain/member.ts";
import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What a placement is handed. */
export type PlacementHost = PluginHost;

/** A member that may own actors. */
export interface PlacementMember {
  readonly nodeId: string;
  /** Positive; 1 is an ordinary member. */
  readonly weight: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The members that placement may choose from. A new object with a new `version` per change. */
export interface PlacementView {
  readonly version: number;
  /**
   * Each node id once, ordered by node id. The same array as long as nothing of it has changed, so
   * that what is reckoned from it can be kept with it.
   */
  readonly members: readonly PlacementMember[];
  /** How loaded members are, as far as that is known; changes every few seconds. */
  readonly loads?: ReadonlyMap<string, MemberLoad>;
}

/**
 * Says where an actor should live. Pure: the same view and actor give the same answer on every
 * node, whatever the order of joining. Only a hint: the store decides who may commit.
 */
export interface Placement extends Component {
  /**
   * True if the answers follow `loads`. Such an answer counts when an actor is claimed and not again:
   * nobody moves an actor because a later answer differs.
   */
  readonly decidedOnce?: boolean;
  /**
   * The first `count` members in order of preference; fewer if the view has fewer. Called for every
   * call that is routed, so it must not wait; never throws.
   */
  owners(actor: ActorId, view: PlacementView, count: number): readonly string[];
}
