import type { ActorId } from "./actor.ts";
import type { Effect } from "./effect.ts";
import type { Invocation, Payload, StringMap } from "./invocation.ts";

/** One call as a host runs it. */
export interface HostTurn {
  /** Unique within the node while the turn runs. */
  readonly turnId: number;
  readonly invocation: Invocation;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** Calls queued for one actor, run in order, each on the state the one before left. */
export interface HostInvocation {
  readonly id: number;
  readonly actor: ActorId;
  readonly state: Payload | undefined;
  readonly revision: number;
  readonly epoch: number;
  readonly tags: StringMap;
  readonly turns: readonly HostTurn[];
  /** The state after each changing turn is wanted, not only the last. */
  readonly keepStates: boolean;
}

/** A turn that its user code refused or that broke; it left state and effects as they were. */
export interface TurnFailure {
  /** The host's own code. */
  readonly code: string;
  readonly message: string;
  /**
   * Upper-case reason where the server refused what the host answered, e.g. `HOST_REPLY_TOO_LARGE`;
   * the call then fails with `host.invalid_reply`. Absent if the host itself says that it failed.
   */
  readonly reason?: string;
}

/** What one turn came to. */
export interface TurnOutcome {
  readonly turnId: number;
  readonly failure: TurnFailure | undefined;
  readonly reply: Payload;
  readonly metadata: StringMap;
  /** State or tags differ from before the turn. */
  readonly changed: boolean;
  readonly effects: readonly Effect[];
  /** After this turn, if it was asked for with `keepStates`. */
  readonly state?: Payload;
}

/** What a host answers to one invocation: one outcome per turn, in order, or a failure of all. */
export interface HostResult {
  readonly id: number;
  readonly outcomes: readonly TurnOutcome[];
  /** After the last turn; meaningful if any outcome is `changed`. */
  readonly state: Payload | undefined;
  /** The tags after the last turn, or `undefined` if they are as they were. */
  readonly tags: StringMap | undefined;
  readonly failure: TurnFailure | undefined;
}
