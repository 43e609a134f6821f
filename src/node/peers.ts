import type { CallSignal, Invocation, Reply } from "../domain/invocation.ts";

/** Who a member is in words that its peers check before they speak with it. */
export interface PeerIdentity {
  readonly cluster: string;
  readonly node: string;
  readonly bootId: string;
  /** The session in the statestore; boot time without a store. */
  readonly generation: number;
  /** Digest of what all members must have in common. */
  readonly strategies: string;
  /** Release of the binary, for people. */
  readonly version: string;
  /** Where peers reach this member, `host:port`. */
  readonly address: string;
}

/** Why a member is not spoken with. */
export interface PeerRefusal {
  readonly reason:
    | "PROTOCOL_VERSION"
    | "OTHER_CLUSTER"
    | "OTHER_STRATEGIES"
    | "NAME_CONFLICT"
    | "NOT_A_MEMBER"
    | "DRAINING";
  readonly message: string;
}

/** Executes what other members pass on. */
export interface PeerCallee {
  /** As `Invoker.invoke`; `epochSeen` is the epoch that the asking member knows, 0 for none. */
  invoke(invocation: Invocation, signal: CallSignal, epochSeen: number): Promise<Reply>;
}

/** Named lanes between two members, so that a bulky one does not hold up the others. */
export const PEER_CHANNELS = ["control", "calls", "broadcast"] as const;

/** Name of a lane. */
export type PeerChannel = (typeof PEER_CHANNELS)[number];

/** Links to the other members. */
export interface Peers {
  /**
   * Passes a call to a member, once. Rejects with `routing.unreachable`: `not_started` if the call
   * has not left this member, `unknown` if it has and no answer came.
   */
  invoke(
    node: string,
    invocation: Invocation,
    signal: CallSignal,
    epochSeen: number,
  ): Promise<Reply>;
  /** Sends a message once, without an answer; false if there is no link or no room for it. */
  cast(node: string, channel: PeerChannel, topic: string, body: Uint8Array): boolean;
  /** Hears the messages of one topic from all members. One listener for each topic. */
  onMessage(topic: string, listener: (from: string, body: Uint8Array) => void): void;
  /** Told each time that a lane to a member is there, so that it can be cast on. One listener. */
  onLink(listener: (node: string, channel: PeerChannel) => void): void;
  /** Whom to keep links to, in place of any earlier list. */
  setMembers(members: readonly { readonly node: string; readonly address: string }[]): void;
  /** True if a call to the member could leave now. */
  isLinked(node: string): boolean;
}
