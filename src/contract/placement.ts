import type { ActorId } from "../domain/actor.ts";
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
  /** Ordered by node id. */
  readonly members: readonly PlacementMember[];
}

/**
 * Says where an actor should live. Pure: the same view and actor give the same answer on every
 * node, whatever the order of joining. Only a hint: the store decides who may commit.
 */
export interface Placement extends Component {
  /** The first `count` members in order of preference; fewer if the view has fewer. */
  owners(actor: ActorId, view: PlacementView, count: number): readonly string[];
}
