import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What a balancer is handed. */
export type BalancerHost = PluginHost;

/** A host that could take the call. */
export interface BalancerCandidate {
  readonly hostId: string;
  /** Attached to this node or in process, rather than reached through another node. */
  readonly local: boolean;
  readonly inFlight: number;
  /** Calls it will take before more credit is given. */
  readonly credit: number;
  readonly weight: number;
}

/** Chooses among the hosts of a type. */
export interface Balancer extends Component {
  /**
   * The index of the chosen candidate. `candidates` is never empty and may change between calls.
   * Called for every activation or pooled turn; must be quick and must not wait.
   */
  choose(type: string, candidates: readonly BalancerCandidate[]): number;
}
