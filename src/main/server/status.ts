import type { Kernel } from "../../kernel/kernel.ts";
import type { Node } from "../../node/node.ts";
import { storeStatus } from "./stores.ts";

/** What is shown of a node. */
export interface StatusWorld {
  readonly node: Node;
  readonly kernel: Kernel;
  readonly nodeName: string;
  readonly cluster: string;
  readonly storeText: string;
}

/** How a node stands, for `/statusz`. */
export function statusOf({ node, kernel, nodeName, cluster, storeText }: StatusWorld): unknown {
  return {
    node: nodeName,
    cluster,
    status: node.status,
    statestore: storeText,
    session: node.rooms.main.sessions.current,
    stores: storeStatus(node.rooms),
    activations: node.table.activations,
    in_flight: node.table.inFlight,
    ...(node.cluster !== undefined && {
      peer_address: node.cluster.address,
      membership: node.cluster.gauges,
      members: node.cluster.members.map(({ info, member, linked }) => ({
        node: member.nodeId,
        address: member.address,
        state: info.state,
        generation: info.generation,
        incarnation: info.incarnation,
        draining: member.draining,
        linked,
        types: [...(member.types ?? [])],
      })),
    }),
    components: kernel.health().components,
    hosts: node.hosts.summaries().map(({ link, types, inFlight, credit }) => ({
      id: link.id,
      name: link.name,
      kind: link.kind,
      types,
      in_flight: inFlight,
      credit,
    })),
  };
}
