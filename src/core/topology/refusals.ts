import type { RelocationOptions } from "./relocation.ts";

/** Why nothing is drained or migrated; nothing has been touched then. */
export type RelocationRefusal =
  /** No other member could take anything. */
  | "no_target_nodes"
  /** A drain is under way. */
  | "draining"
  | "partitioned"
  /** The topology is changing right now. */
  | "locked"
  /** The actor is not active here. */
  | "not_found"
  | "not_a_member"
  /** The actor is there already. */
  | "same_node";

/** What keeps the node from draining, or `undefined`. */
export function refuseDrain(
  { self, queue }: RelocationOptions,
  draining: boolean,
): RelocationRefusal | undefined {
  if (draining) return "draining";
  if (queue.decision?.kind === "partitioned") return "partitioned";
  if (queue.busy) return "locked";
  const targets = queue.topology.members.filter(
    ({ member, suspect }) => member.nodeId !== self && !suspect && !member.draining,
  );
  return targets.length === 0 ? "no_target_nodes" : undefined;
}

/** What keeps an actor of this node from going to `to`, or `undefined`. */
export function refuseMigrate(
  { self, queue }: RelocationOptions,
  active: boolean,
  to: string,
): RelocationRefusal | undefined {
  if (queue.decision?.kind === "partitioned") return "partitioned";
  if (!active) return "not_found";
  if (to === self) return "same_node";
  const target = queue.topology.members.find(({ member }) => member.nodeId === to);
  return target === undefined || target.suspect || target.member.draining
    ? "not_a_member"
    : undefined;
}
