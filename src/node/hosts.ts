import type { Balancer } from "../contract/index.ts";
import type { ActorTypeSpec } from "../domain/actor.ts";
import type { ServerError } from "../domain/error.ts";
import type { HostInvocation, HostResult } from "../domain/turn.ts";
import { Deque } from "../std/deque.ts";
import type { HostGate, HostLink, RunningTurn } from "./host-port.ts";
import { type Attached, type ExecutionSink, hasRoom, type HostedType } from "./host-room.ts";
import * as refusals from "./host-refusals.ts";
import type { Clock, Logger } from "./ports.ts";
import type { NodeEvents } from "./node-events.ts";
import { checkType, completeType, type TypeDefaults, typePathOf } from "./type-rules.ts";

export interface HostsOptions {
  readonly balancer: Balancer;
  readonly clock: Clock;
  readonly log: Logger;
  /** A host that has not answered by then is taken to have failed the turn. */
  readonly turnTimeoutMs: number;
  /** What types have that leave it to the server, by a 0. */
  readonly defaults: TypeDefaults;
  /** New types are remembered, so that after a restart they are known without a host. */
  readonly remember: (types: readonly ActorTypeSpec[]) => void;
  readonly draining: () => boolean;
  /** Why the identity of a host may not serve a type, or `undefined` if it may. */
  readonly mayServe: (link: HostLink, typePath: string) => ServerError | undefined;
  /** A type has other settings from now on; activations of it began under the old ones. */
  readonly respecified: (typePath: string) => void;
  /** Another set of types may have hosts now than before. */
  readonly servedChanged: () => void;
  readonly events: Pick<NodeEvents, "hostAttached" | "hostLost">;
  /** An unguessable word: who knows it speaks for the turns of a host. */
  readonly secret: () => string;
}

/** One attached host for `ListHosts`. */
export interface HostSummary {
  readonly link: HostLink;
  readonly types: readonly string[];
  readonly inFlight: number;
  readonly credit: number;
}

const SWEEP_MS = 500;
/** Types that are remembered; each stays known when its hosts are gone. */
const MOST_TYPES = 10_000;

/**
 * The hosts of this node: which types they serve, which of them takes the next invocation (the
 * balancer's choice among those with credit), and what becomes of an invocation when one is lost.
 */
export class Hosts implements HostGate {
  readonly #options: HostsOptions;
  readonly #links = new Map<string, Attached>();
  readonly #bySecret = new Map<string, Attached>();
  readonly #types = new Map<string, HostedType>();
  /** Invocations that wait for credit and that nobody wants any more. */
  readonly #withdrawn = new Set<number>();
  #stopSweep: (() => void) | undefined;

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /** Types registered by an earlier life of the node: known, and without a host for now. */
  recall(types: readonly ActorTypeSpec[]): void {
    for (const spec of types) this.#type(completeType(spec, this.#options.defaults));
  }

  spec(typePath: string): ActorTypeSpec | undefined {
    return this.#types.get(typePath)?.spec;
  }

  hasHost(typePath: string): boolean {
    return this.#types.get(typePath)?.hosts.some((host) => !host.draining) ?? false;
  }

  /** How many turns one invocation may carry: no more than any host of the type takes at once. */
  chainLimit(typePath: string, limit: number): number {
    let chain = limit;
    for (const host of this.#types.get(typePath)?.hosts ?? []) {
      chain = Math.min(chain, Math.max(1, host.firstCredit));
    }
    return chain;
  }

  /** `system/type` of every type that has a host now. */
  served(): readonly string[] {
    return [...this.#types.keys()].filter((typePath) => this.hasHost(typePath));
  }

  types(): readonly ActorTypeSpec[] {
    return [...this.#types.values()].map((type) => type.spec);
  }

  summaries(): readonly HostSummary[] {
    return [...this.#links.values()].map((host) => ({
      link: host.link,
      types: [...host.types].map((type) => typePathOf(type.spec)),
      inFlight: host.candidate.inFlight,
      credit: host.candidate.credit,
    }));
  }

  attach(link: HostLink, types: readonly ActorTypeSpec[], credit: number): void {
    if (this.#options.draining()) throw refusals.nodeDraining();
    this.#check(link, types);
    const host: Attached = {
      link,
      secret: this.#options.secret(),
      running: new Map(),
      types: new Set(),
      candidate: { hostId: link.id, local: true, inFlight: 0, credit, weight: link.weight },
      firstCredit: credit,
      queue: new Set(),
      draining: false,
    };
    this.#links.set(link.id, host);
    this.#bySecret.set(host.secret, host);
    this.#register(host, types);
    this.#options.log.info("host.attached", {
      host: link.name,
      kind: link.kind,
      sdk: link.sdk,
      types: types.map(typePathOf),
    });
    this.#options.events.hostAttached(link.id, types.map(typePathOf));
    this.#stopSweep ??= this.#options.clock.setTimer(SWEEP_MS, () => this.#sweep());
  }

  addTypes(link: HostLink, types: readonly ActorTypeSpec[]): void {
    const host = this.#links.get(link.id);
    if (host === undefined) return;
    this.#check(link, types);
    this.#register(host, types);
  }

  /** Hands an invocation to a host of its type; one of the two of `sink` is called later, once. */
  execute(typePath: string, invocation: HostInvocation, sink: ExecutionSink): void {
    const type = this.#types.get(typePath);
    if (type === undefined || !this.hasHost(typePath)) {
      return sink.notExecuted(invocation.id, refusals.noHost(typePath));
    }
    type.waiting.push({ invocation, sink });
    this.#dispatch(type);
  }

  /**
   * Nobody waits for the invocation. A host that has it is told, so that it may end early; the actor's
   * place is kept until it answers or the turn times out, because turns never overlap. A host that has
   * it not never hears of it.
   */
  cancel(invocationId: number): void {
    for (const host of this.#links.values()) {
      if (host.running.has(invocationId)) return host.link.cancel(invocationId);
    }
    // What is not at a host waits for one.
    this.#withdrawn.add(invocationId);
  }

  results(link: HostLink, results: readonly HostResult[]): void {
    const host = this.#links.get(link.id);
    if (host === undefined) return;
    for (const result of results) {
      const running = host.running.get(result.id);
      if (running === undefined) continue;
      host.running.delete(result.id);
      host.candidate.inFlight -= running.invocation.turns.length;
      running.sink.executed(result);
    }
    this.#dispatchAll(host);
  }

  credit(link: HostLink, calls: number): void {
    const host = this.#links.get(link.id);
    if (host === undefined) return;
    host.candidate.credit += calls;
    this.#dispatchAll(host);
  }

  draining(link: HostLink): void {
    const host = this.#links.get(link.id);
    if (host === undefined) return;
    host.draining = true;
    this.#failUnserved(host);
  }

  lost(link: HostLink, reason: string): void {
    const host = this.#links.get(link.id);
    if (host === undefined) return;
    this.#links.delete(link.id);
    this.#bySecret.delete(host.secret);
    for (const type of host.types) type.hosts.splice(type.hosts.indexOf(host), 1);
    this.#options.log.info("host.lost", { host: link.name, reason, running: host.running.size });
    this.#options.events.hostLost(link.id, reason);
    for (const [id, { sink }] of host.running) sink.notExecuted(id, refusals.hostLost());
    host.running.clear();
    this.#failUnserved(host);
  }

  turn(token: string): RunningTurn | undefined {
    const dot = token.lastIndexOf(".");
    const host = this.#bySecret.get(token.slice(0, dot));
    const turnId = Number(token.slice(dot + 1));
    if (host === undefined || !Number.isSafeInteger(turnId)) return undefined;
    for (const { invocation } of host.running.values()) {
      const turn = invocation.turns.find((candidate) => candidate.turnId === turnId);
      if (turn === undefined) continue;
      const { system, type, key } = invocation.actor;
      return { actorPath: `${system}/${type}/${key}`, invocation: turn.invocation };
    }
    return undefined;
  }

  token(link: HostLink, turnId: number): string {
    return `${this.#links.get(link.id)?.secret ?? ""}.${turnId}`;
  }

  /** Tells every host to attach elsewhere; running turns are still answered. */
  drainAll(): void {
    for (const host of this.#links.values()) host.link.drain();
  }

  closeAll(reason: string): void {
    this.#stopSweep?.();
    for (const host of [...this.#links.values()]) host.link.close(reason);
  }

  #check(link: HostLink, types: readonly ActorTypeSpec[]): void {
    const fresh = types.filter((spec) => !this.#types.has(typePathOf(spec)));
    if (this.#types.size + fresh.length > MOST_TYPES) throw refusals.tooManyTypes();
    for (const spec of types) {
      checkType(completeType(spec, this.#options.defaults));
      const refused = this.#options.mayServe(link, typePathOf(spec));
      if (refused !== undefined) throw refused;
      const owner = this.#types.get(typePathOf(spec))?.owner;
      if (owner === undefined) continue;
      if (owner.kind !== link.identity.kind || owner.id !== link.identity.id) {
        throw refusals.typeOwned(typePathOf(spec));
      }
    }
  }

  #register(host: Attached, types: readonly ActorTypeSpec[]): void {
    for (const given of types) {
      const spec = completeType(given, this.#options.defaults);
      const type = this.#type(spec);
      const before = type.spec;
      type.spec = spec;
      type.owner = host.link.identity;
      if (JSON.stringify(before) !== JSON.stringify(spec)) {
        this.#options.respecified(typePathOf(spec));
      }
      if (!host.types.has(type)) type.hosts.push(host);
      host.types.add(type);
    }
    this.#options.remember(types);
    this.#options.servedChanged();
    // Also those that wait for other hosts only: this one has not been asked yet.
    for (const type of host.types) this.#dispatch(type);
  }

  #type(spec: ActorTypeSpec): HostedType {
    const path = typePathOf(spec);
    let type = this.#types.get(path);
    if (type === undefined) {
      type = { spec, owner: undefined, hosts: [], waiting: new Deque() };
      this.#types.set(path, type);
    }
    return type;
  }

  /** Serves the types that wait for the host in turn, one invocation of each, as far as there is room. */
  #dispatchAll(host: Attached): void {
    for (
      let first = host.queue.values().next().value;
      first !== undefined;
      first = host.queue.values().next().value
    ) {
      if (!this.#dispatch(first)) return;
    }
  }

  /** False if nothing that waits for the type could be served; more of it may have come meanwhile. */
  #dispatch(type: HostedType): boolean {
    let served = false;
    for (let next = type.waiting.peek(); next !== undefined; next = type.waiting.peek()) {
      if (this.#withdrawn.size > 0 && this.#withdrawn.delete(next.invocation.id)) {
        this.#shift(type);
        served = true;
        next.sink.notExecuted(next.invocation.id, refusals.withdrawn());
        continue;
      }
      const turns = next.invocation.turns.length;
      const host = this.#choose(type, turns);
      if (host === undefined) {
        for (const one of type.hosts) one.queue.add(type);
        return served;
      }
      this.#shift(type);
      served = true;
      host.candidate.credit -= turns;
      host.candidate.inFlight += turns;
      host.running.set(next.invocation.id, { ...next, begunMs: this.#options.clock.now() });
      host.link.execute(next.invocation);
    }
    return served;
  }

  /** Takes out the oldest invocation, and with it the place that it had among the types. */
  #shift(type: HostedType): void {
    type.waiting.shift();
    for (const host of type.hosts) host.queue.delete(type);
  }

  #choose(type: HostedType, turns: number): Attached | undefined {
    const { hosts } = type;
    const only = hosts.length === 1 ? hosts[0] : undefined;
    if (only !== undefined) return hasRoom(only, type, turns) ? only : undefined;
    const open = hosts.filter((host) => hasRoom(host, type, turns));
    if (open.length < 2) return open[0];
    const index = this.#options.balancer.choose(
      typePathOf(type.spec),
      open.map((host) => host.candidate),
    );
    return open[index] ?? open[0];
  }

  /** Invocations that wait for a type whose last host is going would wait for ever. */
  #failUnserved(gone: Attached): void {
    this.#options.servedChanged();
    for (const type of gone.types) {
      const path = typePathOf(type.spec);
      if (this.hasHost(path)) continue;
      for (const host of type.hosts) host.queue.delete(type);
      for (let next = type.waiting.shift(); next !== undefined; next = type.waiting.shift()) {
        this.#withdrawn.delete(next.invocation.id);
        next.sink.notExecuted(next.invocation.id, refusals.noHost(path));
      }
    }
  }

  /** One pass over what runs, instead of a timer for each turn. */
  #sweep(): void {
    const { clock, turnTimeoutMs } = this.#options;
    const limit = clock.now() - turnTimeoutMs;
    for (const host of this.#links.values()) {
      for (const [id, running] of host.running) {
        if (running.begunMs <= limit) this.#giveUp(host, id, refusals.turnTimeout());
      }
    }
    this.#stopSweep = clock.setTimer(SWEEP_MS, () => this.#sweep());
  }

  #giveUp(host: Attached, id: number, error: ServerError): void {
    const running = host.running.get(id);
    if (running === undefined) return;
    host.running.delete(id);
    host.candidate.inFlight -= running.invocation.turns.length;
    host.link.cancel(id);
    running.sink.notExecuted(id, error);
  }
}
