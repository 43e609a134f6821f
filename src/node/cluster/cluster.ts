import type { PartitionDecision, PartitionTolerance } from "../../contract/index.ts";
import { Candidates, type CandidateList } from "../../core/placement/candidates.ts";
import type { Demand } from "../../core/placement/fitness.ts";
import { PlacementViews } from "../../core/placement/placement-views.ts";
import { Pins } from "../../core/placement/pins.ts";
import type { SwimEvent } from "../../core/swim/effects.ts";
import type { MemberInfo } from "../../core/swim/member.ts";
import type { LocalActor } from "../../core/topology/relocation-effects.ts";
import type { ActorId } from "../../domain/actor.ts";
import { toServerError } from "../../domain/error.ts";
import {
  type CallSignal,
  EMPTY_MAP,
  type Invocation,
  type Invoker,
  type Reply,
} from "../../domain/invocation.ts";
import type { Member } from "../../domain/member.ts";
import type { Topology } from "../../domain/topology.ts";
import { assert } from "../../std/assert.ts";
import { Forwarding } from "../forwarding.ts";
import type { PeerIdentity } from "../peers.ts";
import type { Clock, Logger, Random } from "../ports.ts";
import type { StoreRooms } from "../store-rooms.ts";
import { typePathOf } from "../type-rules.ts";
import type { ClusterParts, PeerEndpoint, PeerPlace } from "./cluster-parts.ts";
import { memberOf, metaOf } from "./member-meta.ts";
import { MemberWatch } from "./member-watch.ts";
import { ServedTypes } from "./served-types.ts";
import { TopologyDriver } from "./topology-driver.ts";

/** What a cluster needs of its node. */
export interface ClusterOptions {
  readonly parts: ClusterParts;
  readonly nodeName: string;
  readonly bootId: string;
  readonly rooms: StoreRooms;
  readonly partitionTolerance: PartitionTolerance;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Executes here what belongs here, or refuses it with `not_started`. */
  readonly local: Invoker;
  readonly activeEpoch: (actor: ActorId) => number | undefined;
  readonly actors: () => readonly LocalActor[];
  readonly release: (actor: ActorId) => boolean;
  /** Whether a type has a host here, and which types do. */
  readonly served: (typePath: string) => boolean;
  readonly servedTypes: () => readonly string[];
  /** Whether a type is known; and learns types from the stores. */
  readonly isKnown: (typePath: string) => boolean;
  readonly learn: () => Promise<void>;
  /** Whether this side goes on; told at each change, and once at the start. */
  readonly decided: (decision: PartitionDecision) => void;
}

/** One member for administrators. */
export interface MemberRow {
  readonly info: MemberInfo;
  readonly member: Member;
  readonly linked: boolean;
}

/**
 * This node among others: who is there, where actors belong, and the links by which calls reach them.
 * The store has the last word on who owns an actor; everything here says where to try.
 */
export class Cluster implements Invoker {
  readonly #options: ClusterOptions;
  readonly #endpoint: PeerEndpoint;
  readonly #forwarding: Forwarding;
  readonly #watch: MemberWatch;
  readonly #types: ServedTypes;
  readonly #views: PlacementViews;
  readonly #candidates: Candidates;
  readonly #demands = new Map<string, Demand>();
  #topology: TopologyDriver | undefined;
  #place: PeerPlace | undefined;
  #generation = 0;
  #draining = false;
  #others = 0;

  constructor(options: ClusterOptions) {
    const { parts, nodeName, bootId, local, activeEpoch, clock, random, log } = options;
    this.#options = options;
    this.#views = new PlacementViews(parts.speaks);
    this.#candidates = new Candidates(parts.placement, this.#views, new Pins());
    this.#endpoint = parts.endpoint({
      self: () => this.#identity(),
      callee: { invoke: (invocation, signal) => this.#received(invocation, signal) },
      request: (frame) => this.#watch.request(frame),
    });
    const { peers } = this.#endpoint;
    this.#forwarding = new Forwarding({
      self: nodeName,
      local,
      peers: { invoke: (...call) => this.#forwarded(peers.invoke(...call)) },
      ownerOf: (actor) => this.#ownerOf(actor),
      activeEpoch,
      clock,
      random,
    });
    this.#types = new ServedTypes({
      ...options,
      peers,
      served: options.servedTypes,
      ownChanged: () => this.#saidAnew(),
      told: (node) => this.#retold(node),
    });
    this.#watch = new MemberWatch({
      ...parts,
      config: parts.swim,
      name: nodeName,
      bootId,
      clock,
      random,
      log,
      meta: () => metaOf(this.#self(), this.#types.digest),
      event: (event) => this.#happened(event),
      missed: (present) => this.#missed(present),
    });
  }

  /** True if no other member is known, so that every actor belongs here. */
  get alone(): boolean {
    return this.#others === 0;
  }

  /** `host:port` of this node for its peers; "" before the port is bound. */
  get address(): string {
    return this.#place?.address ?? "";
  }

  /** Figures of membership, for metrics and `/statusz`. */
  get gauges() {
    return { ...this.#watch.gauges, health: this.#watch.health };
  }

  /** Every member that is alive or suspect, this node included. */
  get members(): readonly MemberRow[] {
    const { nodeName } = this.#options;
    const { peers } = this.#endpoint;
    return this.#watch.members.map((info) => ({
      info,
      member: info.name === nodeName ? this.#self() : this.#memberOf(info),
      linked: info.name === nodeName || peers.isLinked(info.name),
    }));
  }

  /** Binds the port for peers; rejects with the errno. */
  async open(): Promise<void> {
    this.#place = await this.#endpoint.open();
  }

  /** The node has a session in the main store, the first or another one. */
  sessionOpened(id: number): void {
    this.#generation = id;
    this.#watch.restart(id);
  }

  /** Looks for members and lets them find this node; the session is open by then. */
  async start(): Promise<void> {
    assert(this.#place !== undefined, "the port for peers is bound first");
    const { parts, rooms, decided, partitionTolerance, clock, log, actors, release } =
      this.#options;
    this.#topology = new TopologyDriver({
      self: this.#self(),
      speaks: parts.speaks,
      candidates: this.#candidates,
      partitionTolerance,
      stores: rooms.all.map(({ store }) => store),
      clock,
      log,
      actors,
      release,
      published: (topology) => this.#published(topology),
      decided,
    });
    this.#topology.take({ kind: "start", present: [], storeReachable: true });
    await this.#watch.start(this.#place, this.#generation);
    this.#types.touch();
  }

  /** Hosts have come, gone or changed their types. */
  typesChanged(): void {
    this.#types.touch();
  }

  storeReachable(reachable: boolean): void {
    this.#topology?.take({ kind: "store", storeReachable: reachable });
  }

  deactivated(actor: ActorId): void {
    this.#topology?.deactivated(actor);
  }

  /** Takes nothing new from now on; others are told. */
  beginDrain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#saidAnew();
  }

  /** Says farewell; resolves when others have been told, or after seconds. */
  leave(): Promise<void> {
    return this.#watch.leave();
  }

  async close(): Promise<void> {
    this.#types.close();
    this.#topology?.stop();
    this.#watch.stop();
    await this.#endpoint.close();
  }

  invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    return this.alone
      ? this.#options.local.invoke(invocation, signal)
      : this.#forwarding.invoke(invocation, signal);
  }

  /** Whether a member other than this one has a host of the type. */
  servesElsewhere(typePath: string): boolean {
    if (this.alone) return false;
    const { nodeName } = this.#options;
    return this.#views.topology.members.some(
      ({ member }) => member.nodeId !== nodeName && member.types?.has(typePath) === true,
    );
  }

  /** Whom the actor may be given to, with the reasons. */
  candidates(actor: ActorId, count: number): CandidateList {
    return this.#candidates.list(actor, this.#demand(actor), count);
  }

  async #received(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { observer } = this.#options.parts;
    try {
      const reply = await this.#forwarding.receive(invocation, signal);
      observer.received("ok");
      return reply;
    } catch (error) {
      observer.received(toServerError(error).code);
      throw error;
    }
  }

  async #forwarded(call: Promise<Reply>): Promise<Reply> {
    const { observer } = this.#options.parts;
    try {
      const reply = await call;
      observer.forwarded("ok");
      return reply;
    } catch (error) {
      observer.forwarded(toServerError(error).code);
      throw error;
    }
  }

  #ownerOf(actor: ActorId): string | undefined {
    const { nodeName, served } = this.#options;
    if (this.alone) return nodeName;
    const demand = this.#demand(actor);
    const owner = this.#candidates.forNew(actor, demand);
    if (owner !== undefined) return owner;
    // What nobody serves can still be looked at.
    const { typePath } = demand;
    return served(typePath) || this.servesElsewhere(typePath) ? undefined : nodeName;
  }

  #demand(actor: ActorId): Demand {
    const typePath = typePathOf(actor);
    let demand = this.#demands.get(typePath);
    if (demand === undefined) {
      demand = { typePath, requires: EMPTY_MAP };
      // Types that nobody registered are refused before; there is no end to their names.
      if (this.#options.isKnown(typePath)) this.#demands.set(typePath, demand);
    }
    return demand;
  }

  #identity(): PeerIdentity {
    const { parts, nodeName, bootId } = this.#options;
    return {
      cluster: parts.id,
      node: nodeName,
      bootId,
      generation: this.#generation,
      strategies: parts.strategies,
      version: parts.version,
      address: this.address,
    };
  }

  #self(): Member {
    const { parts, nodeName, bootId } = this.#options;
    return {
      nodeId: nodeName,
      bootId,
      sessionId: this.#generation,
      address: this.address,
      weight: 1,
      tags: EMPTY_MAP,
      zone: "",
      draining: this.#draining,
      well: true,
      protocol: parts.speaks,
      systems: undefined,
      types: this.#types.own,
    };
  }

  #memberOf(info: MemberInfo): Member {
    const types = this.#types.of(info.name, info.bootId);
    return memberOf(info, types, this.#options.parts.speaks);
  }

  /** This node says something else of itself. */
  #saidAnew(): void {
    this.#watch.say();
    this.#topology?.take({ kind: "changed", member: this.#self() });
  }

  #retold(node: string): void {
    const info = this.#watch.members.find(({ name }) => name === node);
    if (info !== undefined) this.#topology?.take({ kind: "changed", member: this.#memberOf(info) });
  }

  #happened(event: SwimEvent): void {
    const { log } = this.#options;
    if (!("member" in event)) {
      if (event.kind === "refused") log.warn("member.refused", { ...event });
      return;
    }
    const { name, address, bootId, generation } = event.member;
    const fields = { member: name, address, boot: bootId, generation };
    if (event.kind === "conflict")
      return log.error("member.conflict", { ...fields, what: event.conflict });
    if (name === this.#options.nodeName) return;
    if (event.kind !== "update") log.info(`member.${event.kind}`, fields);
    const topology = this.#topology;
    switch (event.kind) {
      case "join":
        return topology?.take({ kind: "up", member: this.#memberOf(event.member), aliveForMs: 0 });
      case "update":
        return topology?.take({ kind: "changed", member: this.#memberOf(event.member) });
      case "suspect":
        return topology?.take({ kind: "suspect", nodeId: name });
      case "refuted":
        return topology?.take({ kind: "cleared", nodeId: name });
      case "dead":
      case "left":
        return topology?.take({ kind: event.kind, nodeId: name });
      case "blocked":
        return undefined;
    }
  }

  /** Nobody tells of the death of a member that this node has not met since it began anew. */
  #missed(present: ReadonlySet<string>): void {
    for (const { member } of this.#topology?.topology.members ?? []) {
      if (member.nodeId === this.#options.nodeName || present.has(member.nodeId)) continue;
      this.#topology?.take({ kind: "dead", nodeId: member.nodeId });
    }
  }

  #published(topology: Topology): void {
    const { nodeName } = this.#options;
    const others = topology.members.filter(({ member }) => member.nodeId !== nodeName);
    this.#views.use(topology);
    this.#others = others.length;
    this.#forwarding.forget();
    const { peers } = this.#endpoint;
    peers.setMembers(
      others.map(({ member }) => ({ node: member.nodeId, address: member.address })),
    );
    this.#types.setMembers(others.map(({ member }) => member.nodeId));
  }
}
