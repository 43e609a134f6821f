import type { Member } from "../../src/domain/member.ts";
import type { Topology, TopologyMember } from "../../src/domain/topology.ts";

/** A member that serves `test/order` and `test/cart` and lacks nothing. */
export function madeMember(nodeId: string, changes: Partial<Member> = {}): Member {
  return {
    nodeId,
    bootId: `${nodeId}-boot`,
    sessionId: 1,
    address: `${nodeId}:7702`,
    weight: 1,
    tags: {},
    zone: "",
    draining: false,
    well: true,
    protocol: { min: 1, max: 2 },
    systems: undefined,
    types: new Set(["test/order", "test/cart"]),
    ...changes,
  };
}

/** A topology of these members, settled unless it is said otherwise. */
export function madeTopology(
  members: readonly (Member | (Partial<TopologyMember> & { readonly member: Member }))[],
  version = 1,
): Topology {
  const full = members.map((each) =>
    "member" in each
      ? { suspect: false, settled: true, ...each }
      : { member: each, suspect: false, settled: true },
  );
  full.sort((a, b) => (a.member.nodeId < b.member.nodeId ? -1 : 1));
  return { version, members: full };
}

/** `n0` to `n<count - 1>`. */
export function nodes(count: number, changes: (at: number) => Partial<Member> = () => ({})) {
  return Array.from({ length: count }, (_, at) => madeMember(`n${at}`, changes(at)));
}
