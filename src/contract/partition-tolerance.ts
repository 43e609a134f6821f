import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What a partition tolerance is handed. */
export type PartitionToleranceHost = PluginHost;

/** What the node knows when the membership changed. */
export interface PartitionView {
  readonly self: string;
  /** Members believed alive, this node included. */
  readonly alive: readonly string[];
  /** Members ever seen and not properly left. */
  readonly known: readonly string[];
  /** Whether the shared store answered within its time-out; `undefined` without a shared store. */
  readonly storeReachable: boolean | undefined;
}

/** `serve`: go on. `partitioned`: answer `node.partitioned` until the next decision. */
export type PartitionDecision =
  | { readonly kind: "serve" }
  | { readonly kind: "partitioned"; readonly reason: string };

/** Decides whether this side of a possible partition goes on. */
export interface PartitionTolerance extends Component {
  /** Called on each membership change and each change of store reachability; must not wait. */
  evaluate(view: PartitionView): PartitionDecision;
}
