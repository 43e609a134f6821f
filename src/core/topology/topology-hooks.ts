import type { HubHook } from "../../domain/hub-hook.ts";
import type { GoneMember, Redistribution } from "./topology-effects.ts";

/** One hook per node that is gone; one that came back in another process has not left. */
export function leaveHooks(
  name: "pre_node_leave" | "post_node_leave",
  gone: readonly GoneMember[],
): readonly HubHook[] {
  return gone
    .filter(({ how }) => how === "dead" || how === "left")
    .map(({ member }) => ({ name, payload: { node: member.nodeId } }));
}

/** One hook per kind of change that a redistribution has. */
export function redistributionHooks(
  name: "pre_redistribution" | "post_redistribution",
  { gone, joined, changed }: Redistribution,
): readonly HubHook[] {
  const left = gone.map(({ member }) => member.nodeId);
  const events = [
    { event: "node_leave", nodes: left },
    { event: "node_join", nodes: joined },
    { event: "node_change", nodes: changed },
  ] as const;
  return events
    .filter(({ nodes }) => nodes.length > 0)
    .map((payload): HubHook => ({ name, payload }));
}
