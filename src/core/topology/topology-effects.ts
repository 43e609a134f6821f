import type { PartitionDecision, PartitionView } from "../../contract/index.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type { Member } from "../../domain/member.ts";
import type { Topology } from "../../domain/topology.ts";

/** A member that is there when the queue starts. */
export interface PresentMember {
  readonly member: Member;
  /** For how long the one that told of it has known it alive. */
  readonly aliveForMs: number;
}

/** What became of an attempt to fence the session of a dead member. `held`: its lease has not ended. */
export type FenceOutcome = "fenced" | "held" | "failed";

/** What happens to a system's topology. Members are told of by membership, one change at a time. */
export type TopologyInput =
  /** Once, before everything else: who is there, this node not among them. */
  | {
      readonly kind: "start";
      readonly present: readonly PresentMember[];
      readonly storeReachable: boolean | undefined;
    }
  /** A member came, returned, or runs in a new process. */
  | { readonly kind: "up"; readonly member: Member; readonly aliveForMs: number }
  /** What a member says of itself has changed; this node among them. */
  | { readonly kind: "changed"; readonly member: Member }
  | { readonly kind: "suspect"; readonly nodeId: string }
  | { readonly kind: "cleared"; readonly nodeId: string }
  | { readonly kind: "dead"; readonly nodeId: string }
  | { readonly kind: "left"; readonly nodeId: string }
  | { readonly kind: "store"; readonly storeReachable: boolean | undefined }
  /** What the partition tolerance remembers has changed from outside: ask it again. */
  | { readonly kind: "reconsider" }
  /** The answer to `evaluate`. */
  | { readonly kind: "decided"; readonly token: number; readonly decision: PartitionDecision }
  /** The answer to `fence`. */
  | {
      readonly kind: "fenced";
      readonly token: number;
      readonly nodeId: string;
      readonly outcome: FenceOutcome;
    }
  /** What `redistribute` asked for is done, or has been handed to the background. */
  | { readonly kind: "redistributed"; readonly token: number }
  | { readonly kind: "timer"; readonly timer: TopologyTimer };

/** Timers are data: nothing is cancelled; a stale one is ignored by its token. */
export interface TopologyTimer {
  readonly kind: "batch" | "settle" | "step" | "fence-retry";
  readonly token: number;
}

/** A process whose actors have to live elsewhere. */
export interface GoneMember {
  readonly member: Member;
  /** `restarted`: the node is there again with another process. `fenced`: it was gone before. */
  readonly how: "dead" | "left" | "restarted" | "fenced";
}

/** One redistribution: from the topology of the last one to the present one. */
export interface Redistribution {
  readonly before: Topology;
  readonly after: Topology;
  readonly gone: readonly GoneMember[];
  /** Members that actors may move to from now on. */
  readonly joined: readonly string[];
  /** Members whose weight, tags, types or protocol are others now. */
  readonly changed: readonly string[];
  /** Gone members whose session may still hold its actors: they are told of again once it is fenced. */
  readonly unfenced: readonly string[];
}

/** What the queue asks of its driver, to be performed in order. */
export type TopologyEffect =
  | { readonly kind: "schedule"; readonly timer: TopologyTimer; readonly afterMs: number }
  /** From now on placement chooses from these. */
  | { readonly kind: "topology"; readonly topology: Topology }
  /** Ask the partition tolerance, and answer with `decided`. */
  | { readonly kind: "evaluate"; readonly token: number; readonly view: PartitionView }
  /** This side goes on. */
  | { readonly kind: "serve" }
  /** This side stops: let go of every activation without a commit, and refuse calls. */
  | { readonly kind: "stop"; readonly reason: string }
  /** Fence the session of a dead member, and answer with `fenced`. */
  | { readonly kind: "fence"; readonly token: number; readonly member: Member }
  /** Move actors as it says, and answer with `redistributed`. */
  | { readonly kind: "redistribute"; readonly token: number; readonly change: Redistribution }
  /** Forget what is known of the actors of a process that is no more. */
  | { readonly kind: "purge"; readonly nodeId: string; readonly bootId: string }
  /** A member was thought dead and is the same process: compare directories with it. */
  | { readonly kind: "sync"; readonly nodeId: string }
  | { readonly kind: "hook"; readonly hook: HubHook };
