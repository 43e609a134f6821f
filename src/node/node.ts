import type {
  AccessPolicy,
  AccessQuestion,
  ActorTypeSpec,
  Balancer,
  PartitionTolerance,
  Statestore,
} from "../contract/index.ts";
import type { ActorId } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import type { Payload } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { ActivationTable, type TableObserver } from "./activation-table.ts";
import { ActorService } from "./actor-service.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { ClusterParts } from "./cluster/cluster-parts.ts";
import type { HostLink } from "./host-port.ts";
import { Hosts } from "./hosts.ts";
import { keyRows, type KeyStatus } from "./key-status.ts";
import type { NodeEvents } from "./node-events.ts";
import type { NodeStatus } from "./node-api.ts";
import type { ResealProgress } from "./reseal-sweep.ts";
import type { Clock, Logger, Random } from "./ports.ts";
import { Router } from "./router.ts";
import type { Sealer } from "./sealer.ts";
import type { StoreRoom } from "./store-room.ts";
import { type FurtherStores, StoreRooms } from "./store-rooms.ts";

/** How long the end of a node waits for its sessions to be closed. */
const SESSION_STOP_MS = 2_000;
/** How long it waits for other members to be told. */
const LEAVE_MS = 3_000;

/** What a node is made of. */
export interface NodeParts {
  readonly nodeName: string;
  readonly bootId: string;
  /** The store of every system without one of its own. */
  readonly store: Statestore;
  readonly further?: FurtherStores;
  readonly sealer: Sealer;
  readonly balancer: Balancer;
  readonly policy: AccessPolicy;
  readonly partitionTolerance: PartitionTolerance;
  /** Absent for a node that is no member of a cluster. */
  readonly cluster?: ClusterParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: Limits;
  readonly digest: (action: string, payload: Payload) => Uint8Array;
  readonly observer: TableObserver;
  readonly events: NodeEvents;
  /** Another process lives under this node's name in the main store. */
  readonly evicted: () => void;
  readonly policyFailed: () => void;
  readonly denied: (question: AccessQuestion, rule: string) => void;
}

/**
 * One node: sessions, activations, hosts and the router, joined. The components it is made of are
 * started before it and stopped after it, by the kernel.
 */
export class Node {
  readonly hosts: Hosts;
  readonly table: ActivationTable;
  readonly router: Router;
  readonly service: ActorService;
  readonly rooms: StoreRooms;
  readonly cluster: Cluster | undefined;
  readonly #parts: NodeParts;
  #status: NodeStatus = "starting";
  /** New calls from outside are refused; what runs may finish. */
  #refusing = false;

  constructor(parts: NodeParts) {
    const { clock, log, limits, policy } = parts;
    this.#parts = parts;
    this.rooms = new StoreRooms(parts.store, parts.further, {
      ...parts,
      step: (slot, input) => this.table.step(slot, input),
      address: () => this.cluster?.address ?? "",
      opened: (room, id) => {
        if (this.#isMain(room)) this.cluster?.sessionOpened(id);
      },
      judged: (room, reachable) => this.#isJudged(room, reachable),
      fenced: (room) => this.table.fenceAll(room),
      usurped: (room) => this.#isUsurped(room),
    });
    const { rooms } = this;
    this.hosts = new Hosts({
      balancer: parts.balancer,
      clock,
      log,
      turnTimeoutMs: limits.hostTurnTimeoutMs,
      defaults: limits,
      remember: (types) => this.#remember(types),
      draining: () => this.#refusing,
      mayServe: (link, typePath) => this.#mayServe(link, typePath),
      respecified: (typePath) => this.table.renew(typePath),
      servedChanged: () => this.cluster?.typesChanged(),
      events: parts.events,
      secret: () => hex(parts.random.bytes(16)),
    });
    const events = parts.cluster === undefined ? parts.events : this.#watched(parts.events);
    this.table = new ActivationTable({ ...parts, events, hosts: this.hosts, rooms });
    this.cluster = parts.cluster && this.#member(parts.cluster);
    this.router = new Router({
      cluster: this.cluster,
      policy,
      hosts: this.hosts,
      table: this.table,
      log,
      refusing: () => this.#refusing,
      stopping: () => this.#status === "stopping",
      partition: (system) => rooms.of(system).partition,
      denied: parts.denied,
      policyFailed: parts.policyFailed,
    });
    this.service = new ActorService({
      ...parts,
      router: this.router,
      table: this.table,
      hosts: this.hosts,
      rooms,
      ...(parts.cluster && { elsewhere: (actor: ActorId) => this.#isElsewhere(actor) }),
    });
  }

  get status(): NodeStatus {
    return this.#status;
  }

  /** Opens the sessions and takes calls; rejects if a store cannot be reached. */
  async start(): Promise<void> {
    await this.cluster?.open();
    await this.rooms.open();
    await this.#recall();
    // Drained meanwhile: what was stopped must not begin.
    if (this.#refusing) return;
    this.table.start();
    for (const room of this.rooms.all) room.start();
    await this.cluster?.start();
    if (this.#status === "starting") this.#status = "running";
  }

  /** The state keys with their rows. Looks at the whole store, so it is for administrators alone. */
  async keys(): Promise<KeyStatus> {
    const { sealer } = this.#parts;
    const { all } = this.rooms;
    const encrypted = sealer.keys !== undefined;
    const keys = await keyRows(
      all.map(({ store }) => store),
      sealer,
    );
    return { encrypted, keys, resealing: all.map((room) => room.resealing).reduce(together) };
  }

  /** Not ready any more, and still serving: load balancers need time to notice. */
  beginDrain(): void {
    if (this.#status === "running" || this.#status === "starting") this.#status = "draining";
    this.cluster?.beginDrain();
  }

  /**
   * Refuses new calls, finishes running turns within `timeoutMs`, releases every actor and closes the
   * sessions. True if everything was finished; false if the time ran out, and then running turns are
   * abandoned with an outcome that their callers can ask for by request id.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    this.beginDrain();
    this.#refusing = true;
    const { clock, log } = this.#parts;
    // Hosts go on until then: a running turn may call an actor that has to be activated for it.
    const finished = await bounded(clock, timeoutMs, this.table.drain(drained()));
    this.hosts.drainAll();
    this.#status = "stopping";
    if (!finished) log.warn("drain.timeout", { activations: this.table.activations });
    if (this.cluster !== undefined) await bounded(clock, LEAVE_MS, this.cluster.leave());
    this.hosts.closeAll("the node is stopping");
    this.table.stop();
    const stopped = this.rooms.all.map((room) => room.stop());
    await bounded(clock, SESSION_STOP_MS, Promise.allSettled(stopped));
    await this.cluster?.close();
    return finished;
  }

  #member(parts: ClusterParts): Cluster {
    return new Cluster({
      ...this.#parts,
      parts,
      rooms: this.rooms,
      local: { invoke: (invocation, signal) => this.router.take(invocation, signal) },
      activeEpoch: (actor) => this.table.activeEpoch(actor),
      actors: () =>
        this.table.actors().map(({ actor, typePath }) => ({
          actor,
          demand: { typePath, requires: {} },
        })),
      release: (actor) => this.table.deactivate(actor, moving()),
      served: (typePath) => this.hosts.hasHost(typePath),
      servedTypes: () => this.hosts.served(),
      isKnown: (typePath) => this.hosts.spec(typePath) !== undefined,
      learn: () => this.#recall(),
      decided: (decision) => {
        const { main } = this.rooms;
        main.decide(decision);
        // Others may go on with its actors; what runs here must not answer any more.
        if (decision.kind === "partitioned" && !this.cluster?.alone) this.table.fenceAll(main);
      },
    });
  }

  #watched(events: NodeEvents): NodeEvents {
    return {
      ...events,
      deactivated: (actor, reason) => {
        this.cluster?.deactivated(actor);
        events.deactivated(actor, reason);
      },
    };
  }

  /** Types that are on record, whoever serves them. */
  async #recall(): Promise<void> {
    for (const room of this.rooms.all) {
      const types = await room.store.types.list();
      // A system that has moved to another store is served by what that one knows.
      this.hosts.recall(types.filter(({ system }) => this.rooms.of(system) === room));
    }
  }

  /** Another member may have the actor. */
  #isElsewhere(actor: ActorId): boolean {
    const { cluster } = this;
    return cluster !== undefined && !cluster.alone && this.table.activeEpoch(actor) === undefined;
  }

  #isMain(room: StoreRoom): boolean {
    return room === this.rooms.main;
  }

  /** In a cluster the partition tolerance is asked about the main store and the members at once. */
  #isJudged(room: StoreRoom, reachable: boolean): boolean {
    if (this.cluster === undefined || !this.#isMain(room)) return false;
    this.cluster.storeReachable(reachable);
    return true;
  }

  /** Modules in process are the operator's own; others serve a type if the policy lets them. */
  #mayServe(link: HostLink, typePath: string): ServerError | undefined {
    if (link.kind === "in-process") return undefined;
    const operation = `host:${typePath}`;
    return this.router.authorize({ kind: "admin", caller: link.identity, operation });
  }

  /**
   * In the main store the whole node gives way to its double. In a further one it goes on: the double
   * may be the owner of another main store, and has taken this one by mistake.
   */
  #isUsurped(room: StoreRoom): boolean {
    if (!this.#isMain(room)) return false;
    this.#parts.evicted();
    return true;
  }

  /** Each type is recorded where its actors live. */
  #remember(types: readonly ActorTypeSpec[]): void {
    const { log } = this.#parts;
    for (const room of this.rooms.all) {
      const own = types.filter(({ system }) => this.rooms.of(system) === room);
      if (own.length === 0) continue;
      // Registration is served from memory; the record only helps after a restart.
      room.store.types.put(own).catch((error: unknown) => {
        log.warn("types.not_recorded", { store: room.name, error });
      });
    }
  }
}

/** True if `work` ended in time. */
async function bounded(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let cancel = (): void => undefined;
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.setTimer(timeoutMs, () => resolve(false));
  });
  const finished = await Promise.race([work.then(() => true), late]);
  cancel();
  return finished;
}

function drained(): ServerError {
  return new ServerError("node.draining", "the node is draining", "not_started", {
    reason: "DRAINING",
    retryAfterMs: 500,
  });
}

function moving(): ServerError {
  return new ServerError("node.draining", "the actor moves to another member", "not_started", {
    reason: "MOVING",
    retryAfterMs: 50,
  });
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The re-encryption of two stores as one. */
function together(a: ResealProgress, b: ResealProgress): ResealProgress {
  return {
    running: a.running || b.running,
    moved: a.moved + b.moved,
    unreadable: a.unreadable + b.unreadable,
    rate: a.rate + b.rate,
  };
}
