import type { BalancerCandidate } from "../contract/index.ts";
import type { ActorTypeSpec } from "../domain/actor.ts";
import type { ServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { HostInvocation, HostResult } from "../domain/turn.ts";
import type { Deque } from "../std/deque.ts";
import type { HostLink } from "./host-port.ts";

/** Who hears what became of an invocation. */
export interface ExecutionSink {
  executed(result: HostResult): void;
  notExecuted(invocationId: number, error: ServerError): void;
}

/** An invocation that a host runs. */
export interface Running {
  readonly invocation: HostInvocation;
  readonly sink: ExecutionSink;
  readonly begunMs: number;
}

/** A host as the node keeps it. */
export interface Attached {
  readonly link: HostLink;
  readonly secret: string;
  readonly running: Map<number, Running>;
  readonly types: Set<HostedType>;
  readonly candidate: { -readonly [Key in keyof BalancerCandidate]: BalancerCandidate[Key] };
  readonly firstCredit: number;
  /** Types whose oldest invocation found no room here, in the order in which they are served. */
  readonly queue: Set<HostedType>;
  draining: boolean;
}

/** An actor type with the hosts that serve it. */
export interface HostedType {
  spec: ActorTypeSpec;
  /** Who serves the type, also while no host of it is attached: nobody may take it over meanwhile. */
  owner: Caller | undefined;
  readonly hosts: Attached[];
  /** Invocations that wait for credit; at most one per activation of the type. */
  readonly waiting: Deque<Omit<Running, "begunMs">>;
}

/**
 * Whether the host takes these turns now. Types that found no room go first, for what needs many turns
 * at once would never find them free; a host that runs nothing takes what it may not have credit for,
 * since nothing that it will answer would bring more.
 */
export function hasRoom(
  { candidate, draining, firstCredit, queue }: Attached,
  type: HostedType,
  turns: number,
): boolean {
  const { credit, inFlight } = candidate;
  if (draining || credit < 1 || (queue.size > 0 && queue.values().next().value !== type))
    return false;
  return credit >= Math.min(turns, firstCredit) || inFlight === 0;
}
