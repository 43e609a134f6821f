/**
 * What membership believes of a member. `suspect` is alive to placement, but takes nothing new.
 * `left` went by its own word, `dead` without one.
 */
export type MemberState = "alive" | "suspect" | "dead" | "left";

/** Versions of the peer protocol that a process speaks, both ends included. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/** How loaded a member is, by its own word and smoothed by it. Travels often, so it is no part of `Member`. */
export interface MemberLoad {
  /** How late the event loop runs. */
  readonly loopLagMs: number;
  readonly activations: number;
  readonly residentBytes: number;
}

/** A process of the cluster with what it says of itself. */
export interface Member {
  /** Stable over restarts. */
  readonly nodeId: string;
  /** Made anew by each process. */
  readonly bootId: string;
  /** Row in the table of sessions; `undefined` without a shared store. */
  readonly sessionId: number | undefined;
  readonly address: string;
  /** Positive; 1 is an ordinary member. */
  readonly weight: number;
  readonly tags: Readonly<Record<string, string>>;
  /** What fails together, e.g. a rack; "" for none. */
  readonly zone: string;
  /** Takes nothing new and gives away what it has. */
  readonly draining: boolean;
  /** Its own judgement of its health; a member that is not well takes nothing new. */
  readonly well: boolean;
  readonly protocol: ProtocolRange;
  /** Systems that it serves; `undefined` for all. */
  readonly systems: readonly string[] | undefined;
  /** `system/type` of every actor type it serves; `undefined` while only their digest is known. */
  readonly types: ReadonlySet<string> | undefined;
}
