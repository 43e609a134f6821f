import type {
  AccessPolicy,
  AccessQuestion,
  ActorTypeSpec,
  Balancer,
  PartitionDecision,
  PartitionTolerance,
  Statestore,
} from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";
import type { Payload } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { ActivationTable, type TableObserver } from "./activation-table.ts";
import { ActorService } from "./actor-service.ts";
import type { HostLink } from "./host-port.ts";
import { Hosts } from "./hosts.ts";
import { keyRows, type KeyStatus } from "./key-status.ts";
import type { NodeEvents } from "./node-events.ts";
import type { NodeStatus } from "./node-api.ts";
import type { Clock, Logger, Random } from "./ports.ts";
import { Router } from "./router.ts";
import type { Sealer } from "./sealer.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { Upkeep } from "./upkeep.ts";

/** What a node is made of. */
export interface NodeParts {
  readonly nodeName: string;
  readonly bootId: string;
  readonly store: Statestore;
  readonly sealer: Sealer;
  readonly balancer: Balancer;
  readonly policy: AccessPolicy;
  readonly partitionTolerance: PartitionTolerance;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: Limits;
  readonly digest: (action: string, payload: Payload) => Uint8Array;
  readonly observer: TableObserver;
  readonly events: NodeEvents;
  /** Another process lives under this node's name. */
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
  readonly sessions: SessionKeeper;
  readonly #parts: NodeParts;
  #status: NodeStatus = "starting";
  /** New calls from outside are refused; what runs may finish. */
  #refusing = false;
  #storeReachable = true;
  #partition: PartitionDecision = { kind: "serve" };
  readonly #upkeep: Upkeep;

  constructor(parts: NodeParts) {
    const { store, clock, log, limits, policy } = parts;
    this.#parts = parts;
    this.#upkeep = new Upkeep(parts);
    const session = (): number | undefined => this.sessions.current;
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
      events: parts.events,
      secret: () => hex(parts.random.bytes(16)),
    });
    this.table = new ActivationTable({ ...parts, hosts: this.hosts, session });
    this.router = new Router({
      policy,
      hosts: this.hosts,
      table: this.table,
      log,
      refusing: () => this.#refusing,
      stopping: () => this.#status === "stopping",
      partition: () => this.#partition,
      denied: parts.denied,
      policyFailed: parts.policyFailed,
    });
    this.service = new ActorService({
      ...parts,
      router: this.router,
      table: this.table,
      hosts: this.hosts,
      session,
    });
    this.sessions = new SessionKeeper({
      store,
      clock,
      log,
      nodeName: parts.nodeName,
      bootId: parts.bootId,
      address: "",
      ttlMs: limits.sessionTtlMs,
      renewMs: limits.sessionRenewMs,
      marginMs: limits.sessionMarginMs,
      fenced: () => this.table.fenceAll(),
      evicted: parts.evicted,
      report: (reachable) => this.#evaluate(reachable),
    });
  }

  get status(): NodeStatus {
    return this.#status;
  }

  get storeReachable(): boolean {
    return this.#storeReachable;
  }

  /** Opens the session and takes calls; rejects if the store cannot be reached. */
  async start(): Promise<void> {
    await this.sessions.start();
    this.hosts.recall(await this.#parts.store.types.list());
    // Drained meanwhile: what was stopped must not begin.
    if (this.#refusing) return;
    this.table.start();
    this.#evaluate(true);
    this.#upkeep.start();
    if (this.#status === "starting") this.#status = "running";
  }

  /** The state keys with their rows. Looks at the whole store, so it is for administrators alone. */
  async keys(): Promise<KeyStatus> {
    const { store, sealer } = this.#parts;
    const encrypted = sealer.keys !== undefined;
    const keys = await keyRows(store, sealer);
    return { encrypted, keys, resealing: this.#upkeep.resealing };
  }

  /** Not ready any more, and still serving: load balancers need time to notice. */
  beginDrain(): void {
    if (this.#status === "running" || this.#status === "starting") this.#status = "draining";
  }

  /**
   * Refuses new calls, finishes running turns within `timeoutMs`, releases every actor and closes the
   * session. True if everything was finished; false if the time ran out, and then running turns are
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
    this.hosts.closeAll("the node is stopping");
    this.#upkeep.stop();
    this.table.stop();
    await bounded(
      clock,
      2_000,
      this.sessions.stop().catch(() => undefined),
    );
    return finished;
  }

  /** Modules in process are the operator's own; others serve a type if the policy lets them. */
  #mayServe(link: HostLink, typePath: string): ServerError | undefined {
    if (link.kind === "in-process") return undefined;
    const operation = `host:${typePath}`;
    return this.router.authorize({ kind: "admin", caller: link.identity, operation });
  }

  #evaluate(storeReachable: boolean): void {
    const { partitionTolerance, nodeName, store, log } = this.#parts;
    if (storeReachable !== this.#storeReachable) this.#parts.events.storeReachable(storeReachable);
    this.#storeReachable = storeReachable;
    const members = [nodeName];
    const decision = partitionTolerance.evaluate({
      self: nodeName,
      alive: members,
      known: members,
      storeReachable: store.exclusive ? undefined : storeReachable,
    });
    if (decision.kind !== this.#partition.kind) log.warn("partition.decision", { ...decision });
    this.#partition = decision;
  }

  #remember(types: readonly ActorTypeSpec[]): void {
    const { store, log } = this.#parts;
    // Registration is served from memory; the record only helps after a restart.
    store.types.put(types).catch((error: unknown) => log.warn("types.not_recorded", { error }));
  }
}

/** True if `work` ended in time. */
async function bounded(clock: Clock, timeoutMs: number, work: Promise<void>): Promise<boolean> {
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

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
