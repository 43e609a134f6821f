import type { Discovery, Placement } from "../../contract/index.ts";
import type { ProtocolRange } from "../../domain/member.ts";
import type { SwimConfig } from "../../core/swim/swim-config.ts";
import type { MembershipObserver } from "../membership-driver.ts";
import type { PeerCallee, PeerIdentity, Peers } from "../peers.ts";
import type { BindDatagrams, FrameSockets, GossipSeal, TlsMaterial } from "../ports.ts";

/** What is told of a node's life among others, for metrics. */
export interface ClusterObserver extends MembershipObserver {
  /** A call was answered by another member; `code` is "ok" or an error code. */
  forwarded(code: string): void;
  /** A call of another member was taken here; `code` is "ok" or an error code. */
  received(code: string): void;
}

/** Who speaks for this node at its peer port. */
export interface PeerWorld {
  readonly self: () => PeerIdentity;
  readonly callee: PeerCallee;
  /** Answers a sealed frame of membership; `undefined` to close the stream without a word. */
  readonly request: (frame: Uint8Array) => Uint8Array | undefined;
}

/** Where the port is bound, and what others are told. */
export interface PeerPlace {
  readonly host: string;
  readonly port: number;
  /** `host:port` with a literal address. */
  readonly address: string;
}

/** The port of this node for its peers. */
export interface PeerEndpoint {
  readonly peers: Peers;
  /** Binds the port for streams; the same number is free for datagrams. Rejects with the errno. */
  open(): Promise<PeerPlace>;
  close(): Promise<void>;
}

/** What makes a node a member of a cluster. */
export interface ClusterParts {
  readonly id: string;
  readonly placement: Placement;
  readonly discovery: Discovery;
  readonly swim: SwimConfig;
  /** Digest of what all members must have in common. */
  readonly strategies: string;
  /** Versions of the peer protocol that this node speaks. */
  readonly speaks: ProtocolRange;
  /** Release of the binary, for people. */
  readonly version: string;
  readonly seal: GossipSeal;
  readonly bind: BindDatagrams;
  readonly sockets: FrameSockets;
  readonly tls: () => TlsMaterial | undefined;
  readonly endpoint: (world: PeerWorld) => PeerEndpoint;
  /** The addresses of a host by its name, one that is an address itself among them. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly observer: ClusterObserver;
}
