import type { Component } from "./component.ts";
import type { PluginHost } from "./host.ts";

/** Where a member may be reached: the address that others join it by. */
export interface Seed {
  /** A name or an IP address, the latter without brackets. */
  readonly host: string;
  readonly port: number;
  /** The member's node id, if the source knows it. */
  readonly nodeId?: string;
}

/** A process that holds a session in the shared store. */
export interface SessionAddress {
  readonly nodeId: string;
  /** `host:port`, or "" if the process has no peers. */
  readonly address: string;
}

/** What a discovery is handed. */
export interface DiscoveryHost extends PluginHost {
  readonly nodeName: string;
  readonly cluster: string;
  /** The setting `seeds`. */
  readonly seeds: readonly Seed[];
  /** Port of this node's peers, for sources that know addresses alone. */
  readonly peerPort: number;
  /** Sessions of the statestore that are up; rejects with `state.unavailable`. */
  sessions(): Promise<readonly SessionAddress[]>;
}

/**
 * Finds members to join. What is found is only ever added to what is known: that somebody is not
 * found means nothing, since it is membership that says who is gone.
 */
export interface Discovery extends Component {
  /**
   * Who may be there now, this node possibly among them; nobody is an answer. Each address once, the
   * better ones first, at most 10,000. Called again and again, one call at a time. Rejects with
   * `routing.unreachable`, `state.unavailable` or `access.denied` if the source cannot be asked, which
   * is no answer; at the latest when `signal` aborts.
   */
  find(signal: AbortSignal): Promise<readonly Seed[]>;
}
