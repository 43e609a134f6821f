import { randomBytes } from "node:crypto";
import type { ActorId, ContractId, HostOf } from "../../contract/index.ts";
import { checkedActorId, checkName, checkRequestId } from "../../edge/gates/ids.ts";
import { checkedMetadata } from "../../edge/gates/metadata.ts";
import { actorPath } from "../../domain/actor.ts";
import { EMPTY_MAP } from "../../domain/invocation.ts";
import type { Catalogue } from "../../kernel/catalogue.ts";
import { Hooks } from "../../kernel/hooks.ts";
import { type HostRequest, isNeeded, Kernel } from "../../kernel/kernel.ts";
import { parseSeed } from "../../kernel/seed-address.ts";
import type { Settings } from "../../kernel/settings.ts";
import { makeActivatorDoor } from "../../node/activator-door.ts";
import { Node } from "../../node/node.ts";
import type { Clock, Logger } from "../../node/ports.ts";
import type { Sealer } from "../../node/sealer.ts";
import type { NodeEvents } from "../../node/node-events.ts";
import { Webhooks } from "../../node/webhooks.ts";
import { systemClock } from "../../platform/clock.ts";
import { guardExit } from "../../platform/exit-guard.ts";
import { type InProcessHost, startInProcess } from "../../platform/in-process/start-in-process.ts";
import { systemRandom } from "../../platform/random.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { chainAuthenticators } from "./authenticators.ts";
import { openDataDir } from "./data-dir.ts";
import { clusterParts } from "./cluster-parts.ts";
import { callDigest } from "./digest.ts";
import { openSealer } from "./keys.ts";
import { callLimits } from "./limits.ts";
import { type BoundListeners, bindListeners } from "./listeners.ts";
import { pluginHosts } from "./plugin-hosts.ts";
import { statusOf } from "./status.ts";
import { madeStores, prepareStores, stateOf } from "./stores.ts";
import { watchTls } from "./tls-watch.ts";

/** What a server is started with. */
export interface ServerOptions {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  /** Absolute paths of modules with in-process actors. */
  readonly actors: readonly string[];
  /** Begins the graceful end of the process, for the admin API. */
  readonly stop: () => void;
}

/**
 * One running node with its components and listeners. `start` resolves when calls are taken; if it
 * rejects, everything that was started has been stopped. `stop` ends it gracefully.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #clock: Clock = systemClock;
  readonly #bootId = randomBytes(8).toString("hex");
  readonly #webhooks = new Webhooks();
  readonly #hooks: Hooks;
  readonly #telemetry: Telemetry;
  readonly #kernel: Kernel;
  readonly #node: Node;
  readonly #sealer: Sealer;
  readonly #nodeName: string;
  readonly #startedMs: number;
  #listeners: BoundListeners | undefined;
  #inProcess: InProcessHost | undefined;
  #storeText = "";
  #evicted = false;
  #stopTlsWatch: (() => void) | undefined;

  /** Creates every component; throws `BootError` or `ServerError`, with nothing to clean up. */
  constructor(options: ServerOptions) {
    const { settings, catalogue, log } = options;
    this.#options = options;
    this.#startedMs = this.#clock.now();
    const { dataDir, nodeName } = openDataDir(settings.dataDir, settings.nodeName);
    this.#nodeName = nodeName;
    this.#sealer = openSealer(settings, dataDir);
    this.#telemetry = new Telemetry({
      log,
      clock: this.#clock,
      nodeName,
      metricSeries: settings.limits.metricSeries,
    });
    this.#hooks = new Hooks(this.#clock, log);
    this.#kernel = new Kernel({
      catalogue,
      selections: settings.selections,
      hostFor: this.#pluginHosts(dataDir),
      clock: this.#clock,
      log,
      guardExit,
      startTimeoutMs: settings.limits.pluginStartTimeoutMs,
      stopTimeoutMs: settings.limits.pluginStopTimeoutMs,
    });
    this.#kernel.create();
    const stores = madeStores(this.#kernel, settings);
    const cluster = clusterParts({
      settings,
      kernel: this.#kernel,
      store: stores.store,
      bootId: this.#bootId,
      clock: this.#clock,
      random: systemRandom,
      log,
      observer: this.#telemetry.instruments,
    });
    this.#node = new Node({
      nodeName,
      bootId: this.#bootId,
      ...stores,
      ...(cluster !== undefined && { cluster }),
      sealer: this.#sealer,
      balancer: this.#kernel.one("balancer@1"),
      policy: this.#kernel.one("acl@1"),
      partitionTolerance: this.#kernel.one("partition-tolerance@1"),
      clock: this.#clock,
      random: systemRandom,
      log,
      limits: callLimits(settings.limits),
      digest: callDigest,
      observer: this.#telemetry.instruments,
      events: this.#events(),
      evicted: () => {
        this.#evicted = true;
        this.#options.stop();
      },
      policyFailed: () => this.#telemetry.instruments.aclFailed(),
      denied: (question, rule) => this.#telemetry.denied(question, rule),
    });
    this.#read();
  }

  get node(): Node {
    return this.#node;
  }

  get nodeName(): string {
    return this.#nodeName;
  }

  /** Where clients connect, once started. */
  get url(): string {
    const { client } = this.#bound();
    const scheme = this.#options.settings.tlsCert === undefined ? "http" : "https";
    const host = client.host.includes(":") ? `[${client.host}]` : client.host;
    return `${scheme}://${host}:${client.port}`;
  }

  get adminPort(): number {
    return this.#bound().admin.port;
  }

  /** Another process has taken this node's name, which is why this one ends. */
  get evicted(): boolean {
    return this.#evicted;
  }

  get inProcess(): InProcessHost | undefined {
    return this.#inProcess;
  }

  get storeText(): string {
    return this.#storeText;
  }

  async start(): Promise<void> {
    await this.#kernel.start();
    try {
      await this.#startNode();
    } catch (error) {
      await this.#unwind();
      throw error;
    }
  }

  /**
   * Readiness goes off, calls are served for the delay, then refused; running turns finish, actors are
   * released, components stop. False if the time-out cut running turns short.
   */
  async stop(): Promise<boolean> {
    const { settings, log } = this.#options;
    log.info("node.draining", { delay_ms: settings.shutdownDelayMs });
    this.#node.beginDrain();
    void this.#hooks.emit("node.draining", { nodeName: this.#nodeName });
    await this.#kernel.pause();
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(settings.shutdownDelayMs, resolve);
    });
    this.#listeners?.drain();
    const finished = await this.#node.drain(settings.shutdownTimeoutMs);
    await this.#unwind();
    log.info("node.stopped", { finished });
    return finished;
  }

  async #startNode(): Promise<void> {
    const { settings, log, actors } = this.#options;
    await this.#telemetry.start();
    this.#storeText = await prepareStores(this.#node.rooms, this.#sealer, this.#bootId, log);
    await this.#node.start();
    if (actors.length > 0) {
      this.#inProcess = await startInProcess({
        modules: actors,
        system: "default",
        gate: this.#node.hosts,
        invoker: this.#node.router,
        clock: this.#clock,
        log,
        checkCall,
        ...(this.#telemetry.tracing !== undefined && { trace: this.#telemetry.tracing }),
        credit: settings.limits.hostCredit,
      });
    }
    this.#listeners = await bindListeners({
      settings,
      node: this.#node,
      admin: {
        node: this.#node,
        kernel: this.#kernel,
        catalogue: this.#options.catalogue,
        storeText: this.#storeText,
        nodeName: this.#nodeName,
        cluster: settings.cluster,
        clock: this.#clock,
        startedMs: this.#startedMs,
        stop: this.#options.stop,
      },
      webhooks: this.#webhooks,
      authenticate: chainAuthenticators(
        this.#kernel.all("authenticator@1").map(({ component }) => component),
      ),
      clock: this.#clock,
      random: systemRandom,
      log,
      instruments: this.#telemetry.instruments,
      trace: this.#telemetry.tracing,
      pageTokenKey: randomBytes(32),
      metrics: () => this.#telemetry.metrics(),
      statusz: () =>
        statusOf({
          node: this.#node,
          kernel: this.#kernel,
          nodeName: this.#nodeName,
          cluster: settings.cluster,
          storeText: this.#storeText,
        }),
      checks: () => this.#checks(),
    });
    this.#stopTlsWatch = await watchTls({
      settings,
      clock: this.#clock,
      log,
      reload: (material) => this.#listeners?.setTls(material),
    });
    void this.#hooks.emit("node.ready", { nodeName: this.#nodeName });
  }

  /** Ends what is left, whatever the parts say. */
  async #unwind(): Promise<void> {
    this.#stopTlsWatch?.();
    this.#inProcess?.close();
    await this.#listeners?.close();
    if (this.#node.status !== "stopping") await this.#node.drain(0);
    await this.#kernel.stop();
    await this.#telemetry.stop();
  }

  #pluginHosts(dataDir: string): (request: HostRequest) => HostOf<ContractId> {
    const { settings, log } = this.#options;
    return pluginHosts({
      clock: this.#clock,
      random: systemRandom,
      log,
      meter: (plugin) => this.#telemetry.pluginMeter(plugin),
      dataDir,
      cluster: settings.cluster,
      acceptUnsafeDurability: settings.acceptUnsafeDurability,
      shared: settings.workers > 1,
      queryTimeoutMs: settings.limits.queryTimeoutMs,
      transactionTries: settings.limits.transactionTries,
      nodeName: this.#nodeName,
      seeds: settings.seeds.flatMap((text) => {
        const seed = parseSeed(text);
        const { port } = settings.peerAddr;
        return seed === undefined ? [] : [{ host: seed.host, port: seed.port ?? port }];
      }),
      peerPort: settings.peerAddr.port,
      sessions: () => this.#node.rooms.main.store.sessions.list(),
      door: (instance) =>
        makeActivatorDoor(instance, {
          invoker: { invoke: (call, signal) => this.#node.router.invoke(call, signal) },
          store: () => this.#node.rooms.main.store,
          webhooks: this.#webhooks,
          clock: this.#clock,
          limits: callLimits(settings.limits),
          bootId: this.#bootId,
          checkCall: ({ actor, action, requestId, metadata }) => {
            checkCall({ target: actor, action, requestId });
            checkedMetadata(metadata ?? EMPTY_MAP, callLimits(settings.limits));
          },
        }),
    });
  }

  #bound(): BoundListeners {
    if (this.#listeners === undefined) throw new Error("the server is not started");
    return this.#listeners;
  }

  #checks(): Readonly<Record<string, string>> {
    const { main } = this.#node.rooms;
    const checks: Record<string, string> = {
      statestore: stateOf(main),
      session: main.session === undefined ? "expired" : "ok",
    };
    // What a component says of itself is for administrators; anybody may ask this.
    for (const { contract, instance, health } of this.#kernel.health().components) {
      if (health === "failed" && isNeeded(contract, instance)) checks[instance] = "failed";
    }
    return checks;
  }

  #events(): NodeEvents {
    const { log } = this.#options;
    const lostMs = new Map<string, number>();
    return {
      activated: (actor, epoch) => void this.#hooks.emit("actor.activated", { actor, epoch }),
      deactivated: (actor, reason) => void this.#hooks.emit("actor.deactivated", { actor, reason }),
      shredded: (actor, revision, caller) => {
        const { kind, id } = caller;
        log.info("actor.shredded", { actor: actorPath(actor), revision, caller: `${kind}:${id}` });
        void this.#hooks.emit("actor.shredded", { actor, revision });
      },
      hostAttached: (hostId, types) => void this.#hooks.emit("host.attached", { hostId, types }),
      hostLost: (hostId, reason) => void this.#hooks.emit("host.lost", { hostId, reason }),
      storeReachable: (store, reachable) => {
        const now = this.#clock.now();
        if (reachable) {
          const afterMs = now - (lostMs.get(store) ?? now);
          void this.#hooks.emit("store.recovered", { store, afterMs });
        } else {
          lostMs.set(store, now);
          const reason = "a session was not renewed";
          void this.#hooks.emit("store.unavailable", { store, reason });
        }
      },
    };
  }

  #read(): void {
    const { table, hosts, rooms } = this.#node;
    this.#telemetry.read({
      inFlight: () => table.inFlight,
      activations: () => table.activations,
      mailboxCalls: () => table.mailboxes().calls,
      longestMailbox: () => table.mailboxes().longest,
      stores: () =>
        rooms.all.map((room) => ({
          name: room.name,
          isUp: stateOf(room) === "ok",
          leaseMarginMs: room.sessions.marginMs,
          activations: table.activationsIn(room),
        })),
      hosts: () => {
        const kinds = new Map<string, number>();
        for (const { link } of hosts.summaries()) {
          kinds.set(link.kind, (kinds.get(link.kind) ?? 0) + 1);
        }
        return kinds;
      },
      members: () => this.#node.cluster?.gauges,
    });
  }
}

/** Throws `ServerError` if a call names what no actor, action or request may be called. */
function checkCall(call: {
  readonly target: ActorId;
  readonly action: string;
  readonly requestId: string;
}): void {
  const { target, action, requestId } = call;
  checkedActorId(target.system, target.type, target.key);
  checkName(action);
  checkRequestId(requestId);
}
