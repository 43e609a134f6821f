import type { ActorId } from "./actor.ts";

/** What is told of a system's topology and of its actors' moves, by the names that hooks have. */
export interface HubHooks {
  readonly pre_node_join: { readonly node: string };
  readonly post_node_join: { readonly node: string };
  readonly pre_node_leave: { readonly node: string };
  readonly post_node_leave: { readonly node: string };
  readonly pre_redistribution: Redistributed;
  readonly post_redistribution: Redistributed;
  readonly child_registered: { readonly actor: ActorId; readonly node: string };
  readonly child_unregistered: { readonly actor: ActorId; readonly node: string };
  readonly migration_completed: { readonly node: string; readonly actors: readonly ActorId[] };
  readonly migration_deferred: { readonly actors: readonly ActorId[] };
  readonly handover_delivered: { readonly node: string; readonly actors: readonly ActorId[] };
  readonly drain_completed: { readonly migrated: number; readonly forced: number };
  /** 10 while the topology changes, 0 afterwards. */
  readonly priority_state_updated: { readonly level: 0 | 10 };
  readonly partition_entered: { readonly reason: string };
  readonly partition_left: Readonly<Record<string, never>>;
}

/** Which nodes made actors be redistributed. */
interface Redistributed {
  readonly event: "node_join" | "node_leave" | "node_change";
  readonly nodes: readonly string[];
}

/** The names of the hooks. */
export type HubHookName = keyof HubHooks;

/** One occasion for handlers to be called. */
export type HubHook = {
  [Name in HubHookName]: { readonly name: Name; readonly payload: HubHooks[Name] };
}[HubHookName];

/** Names that handlers may also be registered under, from older versions of the interface. */
export const HUB_HOOK_ALIASES: Readonly<Record<string, HubHookName>> = Object.freeze({
  pre_cluster_join: "pre_node_join",
  post_cluster_join: "post_node_join",
  cluster_join: "post_node_join",
  pre_cluster_leave: "pre_node_leave",
  post_cluster_leave: "post_node_leave",
  cluster_leave: "post_node_leave",
  pre_nodes_redistribution: "pre_redistribution",
  post_nodes_redistribution: "post_redistribution",
  registry_pid_insert: "child_registered",
  registry_pid_inserted: "child_registered",
  registry_pid_remove: "child_unregistered",
  registry_pid_removed: "child_unregistered",
  children_migrated: "migration_completed",
  child_migrated: "migration_completed",
});
