/** What a member is taken for. `left` is a member's own word; `dead` is what others concluded. */
export type MemberState = "alive" | "suspect" | "dead" | "left";

/** A member as the local node knows it. */
export interface MemberInfo {
  readonly name: string;
  /** `host:port` with a literal address; packets of the member come from it. */
  readonly address: string;
  /** Sixteen hexadecimal digits that change with each process; empty if only its end is known. */
  readonly bootId: string;
  /** Grows with each process of the name: the session's id in the statestore, or the boot time. */
  readonly generation: number;
  /** Raised by the member alone, to refute and to announce. */
  readonly incarnation: number;
  readonly state: MemberState;
  /** The member's own description, opaque here; see `decodeNodeMeta`. */
  readonly meta: Uint8Array;
}

/** Ranks of states, in the order that decides between equal generations and incarnations. */
export const UNKNOWN = 0;
/** Rank of a member that is believed to live. */
export const ALIVE = 1;
/** Rank of a member that is accused and may refute. */
export const SUSPECT = 2;
/** Rank of a member whose accusation ran out. */
export const DEAD = 3;
/** Rank of a member that said farewell; final in its generation. */
export const LEFT = 4;

/** One of the ranks above. */
export type Rank = 0 | 1 | 2 | 3 | 4;

/** The state that a rank stands for; a member of rank `UNKNOWN` has none. */
export function stateOf(rank: Rank): MemberState {
  if (rank === SUSPECT) return "suspect";
  if (rank === DEAD) return "dead";
  return rank === LEFT ? "left" : "alive";
}

/** The largest incarnation; a member accused at it can only come back in a new generation. */
export const MAX_INCARNATION = 0xffffffff;

/** What a statement says about a member, and when. */
export interface Standing {
  readonly generation: number;
  readonly incarnation: number;
  readonly rank: Rank;
}

/**
 * The total order of statements about one member: generation, then incarnation, then rank. A
 * statement counts iff it is strictly greater than what is held, so that the order, the number and
 * the detours of its arrivals do not matter.
 */
export function outranks(said: Standing, held: Standing): boolean {
  if (said.generation !== held.generation) return said.generation > held.generation;
  if (said.incarnation !== held.incarnation) return said.incarnation > held.incarnation;
  return said.rank > held.rank;
}
