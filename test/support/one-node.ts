import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import type { AccessPolicy, PartitionDecision, PartitionView } from "../../src/contract/index.ts";
import type { ActorId, ActorTypeSpec } from "../../src/domain/actor.ts";
import type { ServerError } from "../../src/domain/error.ts";
import type { CallSignal, Caller, Invocation, Reply } from "../../src/domain/invocation.ts";
import { NEVER } from "../../src/domain/invocation.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/domain/limits.ts";
import type { HostInvocation } from "../../src/domain/turn.ts";
import type { HostLink } from "../../src/node/host-port.ts";
import { Node } from "../../src/node/node.ts";
import type { Logger } from "../../src/node/ports.ts";
import { statestoreHost } from "../conformance/support/statestore-host.ts";
import { settle, VirtualClock } from "../conformance/support/virtual-clock.ts";
import { runTurns, simSpec, toPayload } from "../simulation/sim-actors.ts";
import { SimSealer } from "../simulation/sim-sealer.ts";
import { madeInvocation } from "./made-call.ts";

const silent = (): void => undefined;

/** Runs the counters and registers of the simulation; holds its answers while `holding`. */
class NearHost implements HostLink {
  readonly id = "near";
  readonly name = "near";
  readonly sdk = "test";
  readonly kind = "in-process";
  readonly weight = 1;
  readonly identity: Caller = { kind: "host", id: "near", roles: [] };
  readonly held: HostInvocation[] = [];
  readonly canceled: number[] = [];
  holding = false;
  readonly #node: () => Node;

  constructor(node: () => Node) {
    this.#node = node;
  }

  execute(invocation: HostInvocation): void {
    this.held.push(invocation);
    if (!this.holding) queueMicrotask(() => this.release());
  }

  /** Answers all that it holds. */
  release(): void {
    const { hosts } = this.#node();
    for (const invocation of this.held.splice(0)) {
      hosts.results(this, [runTurns(invocation)]);
      hosts.credit(this, invocation.turns.length);
    }
  }

  cancel(invocationId: number): void {
    this.canceled.push(invocationId);
  }

  drain(): void {
    this.holding = false;
  }

  close(reason: string): void {
    this.#node().hosts.lost(this, reason);
  }
}

/** How the stores of one node are laid out. */
export interface OneNodeStores {
  /** Other processes could take its actors, so reads are fenced and the lease counts. */
  readonly shared?: boolean;
  readonly lanes?: number;
  /** System → name of its own store. */
  readonly systems?: Readonly<Record<string, string>>;
  /** The stores keep no seeds. */
  readonly seedless?: boolean;
}

/** One node over memory stores, with a host beside it, in virtual time. */
export class OneNode {
  readonly clock = new VirtualClock();
  readonly logged: string[] = [];
  /** What was logged as an error, with its fields. */
  readonly errors: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  readonly anomalies: string[] = [];
  /** Why activations ended. */
  readonly ended: string[] = [];
  readonly reached: string[] = [];
  readonly denied: string[] = [];
  readonly store: MemoryStatestore;
  /** Further stores by their names. */
  readonly further = new Map<string, MemoryStatestore>();
  evicted = 0;
  readonly node: Node;
  readonly host: NearHost;
  policy: AccessPolicy["decide"] = () => ({ allowed: true, rule: "all" });
  evaluate: (view: PartitionView) => PartitionDecision = () => ({ kind: "serve" });
  readonly #systems: Readonly<Record<string, string>>;

  constructor(changes: Partial<Limits> = {}, stores: OneNodeStores = {}) {
    const clock = Object.assign(this.clock, { defer: queueMicrotask });
    const { shared = false, lanes = 1, systems = {}, seedless = false } = stores;
    let drawn = 0;
    const random = (length: number): Uint8Array => new Uint8Array(length).fill((drawn += 1));
    const made = (): MemoryStatestore =>
      Object.assign(new MemoryStatestore(statestoreHost("", { clock })), {
        exclusive: !shared,
        lanes,
        ...(seedless && { seeds: undefined }),
      });
    this.#systems = systems;
    this.store = made();
    for (const name of new Set(Object.values(systems))) this.further.set(name, made());
    this.host = new NearHost(() => this.node);
    this.node = new Node({
      nodeName: "n1",
      bootId: "boot",
      store: this.store,
      further: { stores: this.further, systems },
      sealer: new SimSealer(random),
      balancer: { choose: () => 0 },
      policy: { generation: 1, decide: (question) => this.policy(question) },
      partitionTolerance: { evaluate: (view) => this.evaluate(view) },
      clock,
      random: { bytes: (length) => new Uint8Array(length), unit: () => 0.5 },
      log: this.#logger(),
      limits: { ...DEFAULT_LIMITS, ...changes },
      digest: (action, payload) => new Uint8Array([action.length, ...payload.data]),
      observer: {
        activated: silent,
        deactivated: (reason) => this.ended.push(reason),
        replayed: silent,
        invariantFailed: silent,
        stored: silent,
        anomaly: (kind) => this.anomalies.push(kind),
        queued: silent,
        hosted: silent,
        committed: silent,
        failed: silent,
      },
      events: {
        activated: silent,
        deactivated: silent,
        shredded: (actor, revision) => this.logged.push(`shredded ${actor.key} r${revision}`),
        hostAttached: silent,
        hostLost: silent,
        storeReachable: (store, reachable) =>
          this.reached.push(`${store} ${reachable ? "reached" : "away"}`),
      },
      evicted: () => {
        this.evicted += 1;
      },
      policyFailed: () => this.denied.push("the policy threw"),
      denied: (_question, rule) => this.denied.push(rule),
    });
  }

  /** Starts the node and attaches its host with `types`. */
  async start(changes: Partial<ActorTypeSpec> = {}): Promise<this> {
    await this.node.start();
    const types = ["sim", ...Object.keys(this.#systems)].flatMap((system) =>
      (["counter", "register"] as const).map((type) => ({
        ...simSpec(type, 100, true),
        system,
        ...changes,
      })),
    );
    this.node.hosts.attach(this.host, types, 64);
    return this;
  }

  /** Calls an actor of the simulation's types; its reply or its error. */
  async call(
    actor: ActorId,
    action: string,
    argument: unknown = null,
    changes: Partial<Invocation> = {},
    signal: CallSignal = NEVER,
  ): Promise<Reply> {
    const deadlineMs = this.clock.now() + 10_000;
    const payload = toPayload(argument);
    const invocation = madeInvocation({ actor, action, payload, deadlineMs, ...changes });
    return await this.node.router.invoke(invocation, signal);
  }

  /** Lets everything that needs no time happen. */
  settle(): Promise<void> {
    return settle();
  }

  #logger(): Logger {
    const note = (event: string): void => void this.logged.push(event);
    const logger: Logger = {
      debug: silent,
      info: silent,
      warn: note,
      error: (event, fields = {}) => {
        note(event);
        this.errors.push([event, fields]);
      },
      child: () => logger,
    };
    return logger;
  }
}

/** What a call failed with: `code outcome reason`. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "accepted";
  } catch (error) {
    const { code, outcome, details } = error as ServerError;
    return [code, outcome, details?.reason].filter((part) => part !== undefined).join(" ");
  }
}

export function counter(key: string, system = "sim"): ActorId {
  return { system, type: "counter", key };
}
