import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ActorId, ActorTypeSpec } from "../../contract/index.ts";
import {
  type ClusterService,
  GetKeysResponseSchema,
  GetNodeResponseSchema,
  GetOwnerResponseSchema,
  HostInfoSchema,
  NodeStatus as WireStatus,
  StateKeyState,
} from "../../gen/troupe/v1/cluster_pb.ts";
import { ActorKind, ActorTypeSchema } from "../../gen/troupe/v1/host_pb.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Catalogue } from "../../kernel/catalogue.ts";
import { BUILT_IN } from "../../kernel/catalogue.ts";
import { unfitText } from "../../core/placement/fitness.ts";
import type { MemberRow } from "../../node/cluster/cluster.ts";
import type { KeyRows, KeyStatus } from "../../node/key-status.ts";
import type { Node } from "../../node/node.ts";
import type { NodeStatus } from "../../node/node-api.ts";
import type { Clock } from "../../node/ports.ts";
import { build } from "./version.ts";

/** What the admin service shows and steers. */
export interface AdminWorld {
  readonly node: Node;
  readonly kernel: Kernel;
  readonly catalogue: Catalogue;
  readonly storeText: string;
  readonly nodeName: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly startedMs: number;
  /** Begins the graceful end of the process. */
  readonly stop: () => void;
}

const MOST_CANDIDATES = 16;
const STATUS: Readonly<Record<NodeStatus, WireStatus>> = {
  starting: WireStatus.STARTING,
  running: WireStatus.RUNNING,
  draining: WireStatus.DRAINING,
  stopping: WireStatus.STOPPING,
};

const KINDS: Readonly<Record<ActorTypeSpec["kind"], ActorKind>> = {
  unnamed: ActorKind.UNNAMED,
  named: ActorKind.NAMED,
  pooled: ActorKind.POOLED,
  task: ActorKind.TASK,
  projection: ActorKind.PROJECTION,
};

/** Administration of one node; the edge has authorised the caller before. */
export function makeClusterService(world: AdminWorld): ServiceImpl<typeof ClusterService> {
  const { node, kernel, catalogue, nodeName } = world;
  const { rooms } = node;
  return {
    getNode: () =>
      create(GetNodeResponseSchema, {
        node: nodeName,
        cluster: world.cluster,
        version: build.version,
        commit: build.commit,
        status: STATUS[node.status],
        uptime: durationFromMs(Math.round(world.clock.now() - world.startedMs)),
        session: BigInt(rooms.main.sessions.current ?? 0),
        activations: node.table.activations,
        statestore: world.storeText,
      }),
    listMembers: async () => {
      if (node.cluster !== undefined) return { members: node.cluster.members.map(memberMessage) };
      const rows = await rooms.main.store.sessions.list();
      const up = rows.filter((row) => row.state === "up");
      return {
        members: up.map((row) => ({
          node: row.nodeName,
          address: row.address,
          status: row.nodeName === nodeName ? STATUS[node.status] : WireStatus.RUNNING,
          session: BigInt(row.id),
        })),
      };
    },
    listHosts: () => ({
      hosts: node.hosts.summaries().map(({ link, types, inFlight, credit }) =>
        create(HostInfoSchema, {
          hostId: link.id,
          hostName: link.name,
          sdk: link.sdk,
          kind: link.kind,
          types: [...types],
          inFlight,
          credit: Math.max(0, credit),
        }),
      ),
    }),
    listTypes: ({ system }) => ({
      types: node.hosts
        .types()
        .filter((spec) => system === "" || spec.system === system)
        .map(wireType),
    }),
    listPlugins: () => ({ plugins: pluginRows(kernel, catalogue) }),
    getOwner: ({ actor }) => ownerOf(world, actor),
    getKeys: async () => keysMessage(await node.keys()),
    drain: () => {
      world.stop();
      return { status: WireStatus.DRAINING };
    },
  };
}

function memberMessage({ info, member, linked }: MemberRow) {
  return {
    node: member.nodeId,
    address: member.address,
    status: member.draining ? WireStatus.DRAINING : WireStatus.RUNNING,
    session: BigInt(info.generation),
    tags: { ...member.tags },
    state: info.state,
    linked,
    types: member.types?.size ?? 0,
  };
}

const KEY_STATES: Readonly<Record<KeyRows["state"], StateKeyState>> = {
  active: StateKeyState.ACTIVE,
  decrypt: StateKeyState.DECRYPT,
  retired: StateKeyState.RETIRED,
  missing: StateKeyState.MISSING,
};

function keysMessage({ encrypted, keys, resealing }: KeyStatus) {
  return create(GetKeysResponseSchema, {
    encrypted,
    keys: keys.map(({ name, state, rows }) => ({
      id: name,
      state: KEY_STATES[state],
      ...(rows !== undefined && { rows: BigInt(rows) }),
    })),
    resealing: {
      ...resealing,
      moved: BigInt(resealing.moved),
      unreadable: BigInt(resealing.unreadable),
    },
  });
}

function pluginRows(kernel: Kernel, catalogue: Catalogue) {
  return kernel.health().components.map(({ contract, plugin, instance, health, detail }) => {
    const entry = catalogue.find(contract, plugin);
    return {
      contract,
      name: plugin,
      instance,
      stability: entry?.plugin.stability ?? "experimental",
      builtIn: entry?.origin === BUILT_IN,
      health,
      detail,
    };
  });
}

/** Where the actor belongs by placement and why, and whether it is here. */
async function ownerOf(world: AdminWorld, actor: Partial<ActorId> | undefined) {
  const { system = "", type = "", key = "" } = actor ?? {};
  const id: ActorId = { system: system || "default", type, key };
  const { cluster, rooms, table } = world.node;
  const row = await rooms.of(id.system).store.read(id);
  const alone = { candidates: [world.nodeName], passedOver: [] };
  const { candidates, passedOver } = cluster?.candidates(id, MOST_CANDIDATES) ?? alone;
  return create(GetOwnerResponseSchema, {
    placed: candidates[0] ?? "",
    active: table.activeEpoch(id) === undefined ? "" : world.nodeName,
    epoch: BigInt(row?.epoch ?? 0),
    revision: BigInt(row?.revision ?? 0),
    candidates: [...candidates],
    passedOver: passedOver.map(({ nodeId, why }) => ({
      node: nodeId,
      why: unfitText(why),
    })),
  });
}

function wireType(spec: ActorTypeSpec) {
  return create(ActorTypeSchema, {
    system: spec.system,
    type: spec.type,
    kind: KINDS[spec.kind],
    stateless: !spec.stateful,
    actions: spec.actions.map(({ name, readOnly }) => ({ name, readOnly })),
    openActions: spec.openActions,
    deactivationTimeout: durationFromMs(spec.deactivationTimeoutMs),
    stateType: spec.stateType,
    mailboxCalls: spec.mailboxCalls,
    mailboxBytes: BigInt(spec.mailboxBytes),
  });
}
