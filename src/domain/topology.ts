import type { Member } from "./member.ts";

/** A member that is there, as placement sees it. */
export interface TopologyMember {
  readonly member: Member;
  /** Believed alive on weaker evidence: it keeps what it has and takes nothing new. */
  readonly suspect: boolean;
  /** Alive for long enough to be given actors. */
  readonly settled: boolean;
}

/** Who is there, ordered by node id. A new object with a higher version per change. */
export interface Topology {
  readonly version: number;
  readonly members: readonly TopologyMember[];
}

/** No members yet. */
export const EMPTY_TOPOLOGY: Topology = Object.freeze({ version: 0, members: [] });

/** Orders texts by their UTF-16 units: the same on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
