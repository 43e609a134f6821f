import type { ActorTypeSpec } from "../domain/actor.ts";
import type { Caller, Invocation } from "../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../domain/turn.ts";

/**
 * One place where user code runs: an attached stream, a dialled endpoint or a module in process.
 * Made by the edge (attach, dial) or the platform (in process), used by `node/hosts`.
 */
export interface HostLink {
  readonly id: string;
  readonly name: string;
  readonly sdk: string;
  readonly kind: "attach" | "dial" | "in-process";
  readonly weight: number;
  /** Identity under which it registered; its types belong to this identity. */
  readonly identity: Caller;
  /**
   * Takes an invocation to the host. Batched: what is handed over in one tick leaves in one frame.
   * Never throws; a link that is gone reports `lost`.
   */
  execute(invocation: HostInvocation): void;
  /**
   * Nobody waits for this invocation any more: the host may end it early. It is still answered, and
   * what it committed by then counts.
   */
  cancel(invocationId: number): void;
  /** Asks the host to attach elsewhere: no new turns come, running ones are answered. */
  drain(): void;
  close(reason: string): void;
}

/** What a link tells the node. Every method may be called from any tick; none throws. */
export interface HostEvents {
  /** Results, in any order, of invocations that were handed over. */
  results(link: HostLink, results: readonly HostResult[]): void;
  /** The host takes `calls` more turns. */
  credit(link: HostLink, calls: number): void;
  /** The host will take no new turns. */
  draining(link: HostLink): void;
  /** Adds types of a link that is registered already; throws `ServerError` like `attach`. */
  addTypes(link: HostLink, types: readonly ActorTypeSpec[]): void;
  /**
   * The link has ended. Its running invocations fail with `host.unavailable`, not applied. Called
   * exactly once per attached link.
   */
  lost(link: HostLink, reason: string): void;
}

/** Where links come in. */
export interface HostGate extends HostEvents {
  /**
   * Registers a link with its types and first credit (in turns). Throws `ServerError`: invalid
   * types, a type that another identity owns (`access.denied`, KIND_OWNED), or a draining node.
   */
  attach(link: HostLink, types: readonly ActorTypeSpec[], credit: number): void;
  /** The running turn that a token names, for calls that user code makes; undefined if it is over. */
  turn(token: string): RunningTurn | undefined;
  /** The token under which `turnId` is known to the host of `link`. */
  token(link: HostLink, turnId: number): string;
}

/** What a call made inside a turn inherits: chain, caller and deadline. */
export interface RunningTurn {
  readonly actorPath: string;
  readonly invocation: Invocation;
}
