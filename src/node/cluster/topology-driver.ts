import type { PartitionDecision, PartitionTolerance, Statestore } from "../../contract/index.ts";
import type { Candidates } from "../../core/placement/candidates.ts";
import { MOVES_PER_SECOND, Relocation } from "../../core/topology/relocation.ts";
import type { LocalActor, RelocationEffect } from "../../core/topology/relocation-effects.ts";
import type {
  FenceOutcome,
  TopologyEffect,
  TopologyInput,
} from "../../core/topology/topology-effects.ts";
import { TOPOLOGY_DEFAULTS } from "../../core/topology/topology-options.ts";
import { TopologyQueue } from "../../core/topology/topology-queue.ts";
import { type ActorId, actorPath } from "../../domain/actor.ts";
import type { Member, ProtocolRange } from "../../domain/member.ts";
import type { Topology } from "../../domain/topology.ts";
import type { Clock, Logger } from "../ports.ts";

/** What performs the decisions of the topology queue. */
export interface TopologyDriverOptions {
  readonly self: Member;
  readonly speaks: ProtocolRange;
  readonly candidates: Candidates;
  readonly partitionTolerance: PartitionTolerance;
  /** The store whose sessions are the members', first, and any others. */
  readonly stores: readonly Statestore[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Everything that is active here. */
  readonly actors: () => readonly LocalActor[];
  /** Ends an activation so that another member takes the actor; false if there was none. */
  readonly release: (actor: ActorId) => boolean;
  /** Members are others from now on. */
  readonly published: (topology: Topology) => void;
  /** Whether this side goes on. */
  readonly decided: (decision: PartitionDecision) => void;
}

/**
 * The one topology queue of a node, joined to the store, the clock and the activations. All systems
 * share it.
 */
export class TopologyDriver {
  readonly #options: TopologyDriverOptions;
  readonly #queue: TopologyQueue;
  readonly #relocation: Relocation;
  readonly #moving = new Map<string, ActorId>();
  readonly #inputs: TopologyInput[] = [];
  readonly #timers = new Set<() => void>();
  #busy = false;
  #stopped = false;

  constructor(options: TopologyDriverOptions) {
    const { self, speaks, candidates } = options;
    this.#options = options;
    this.#queue = new TopologyQueue({ ...TOPOLOGY_DEFAULTS, system: "default", self });
    this.#relocation = new Relocation({
      self: self.nodeId,
      speaks,
      candidates,
      queue: this.#queue,
      perSecond: MOVES_PER_SECOND,
      consent: undefined,
    });
  }

  get topology(): Topology {
    return this.#queue.topology;
  }

  /** Takes what happened; performed before it returns, unless called from within. */
  take(input: TopologyInput): void {
    if (this.#stopped) return;
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const effects = this.#queue.step(next, this.#options.clock.now());
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** An activation of this node is over. */
  deactivated(actor: ActorId): void {
    if (this.#moving.size > 0 && this.#moving.delete(actorPath(actor))) this.#moved(actor);
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#timers) stop();
  }

  #perform(effect: TopologyEffect): void {
    const { log, published, decided, clock } = this.#options;
    switch (effect.kind) {
      case "schedule":
        return this.#later(effect.afterMs, () => this.take({ kind: "timer", timer: effect.timer }));
      case "topology":
        return published(effect.topology);
      case "evaluate": {
        const { token, view } = effect;
        const decision = this.#options.partitionTolerance.evaluate(view);
        return this.take({ kind: "decided", token, decision });
      }
      case "serve":
        return decided({ kind: "serve" });
      case "stop":
        return decided({ kind: "partitioned", reason: effect.reason });
      case "fence":
        return void this.#fence(effect.token, effect.member);
      case "redistribute": {
        const { before, after, gone, joined, changed } = effect.change;
        log.info("topology.redistribute", {
          version: after.version,
          gone: gone.map(({ member, how }) => `${member.nodeId} ${how}`),
          joined,
          changed,
        });
        const actors = this.#options.actors();
        // Once begun, in the background: calls find their actors meanwhile wherever they are.
        clock.defer(() => this.#relocate({ kind: "rebalance", before, after, actors }));
        return this.take({ kind: "redistributed", token: effect.token });
      }
      case "hook":
        return log.debug("topology.hook", { ...effect.hook });
      case "purge":
      case "sync":
        // Nothing is kept by process besides types, which every process tells of itself.
        return undefined;
    }
  }

  async #fence(token: number, member: Member): Promise<void> {
    const { nodeId, sessionId } = member;
    let outcome: FenceOutcome = "failed";
    try {
      outcome = await this.#fenceSessions(nodeId, sessionId ?? 0);
    } catch (error) {
      this.#options.log.warn("session.not_fenced", { node: nodeId, session: sessionId, error });
    }
    this.#options.log.info("topology.fenced", { node: nodeId, session: sessionId, outcome });
    this.take({ kind: "fenced", token, nodeId, outcome });
  }

  /** In further stores the process has sessions of other numbers, under the same name. */
  async #fenceSessions(nodeId: string, sessionId: number): Promise<FenceOutcome> {
    const [main, ...others] = this.#options.stores;
    for (const { sessions } of others) {
      const rows = await sessions.list();
      const own = rows.filter(({ nodeName, state }) => nodeName === nodeId && state === "up");
      for (const { id } of own) await sessions.fence(id, true);
    }
    return (await main?.sessions.fence(sessionId, true)) === true ? "fenced" : "held";
  }

  #relocate(input: Parameters<Relocation["step"]>[0]): void {
    if (this.#stopped) return;
    const effects = this.#relocation.step(input, this.#options.clock.now());
    for (const effect of effects) this.#move(effect);
  }

  #move(effect: RelocationEffect): void {
    const { log, release } = this.#options;
    switch (effect.kind) {
      case "schedule":
        return this.#later(effect.afterMs, () =>
          this.#relocate({ kind: "timer", timer: effect.timer }),
        );
      case "move": {
        const path = actorPath(effect.actor);
        this.#moving.set(path, effect.actor);
        if (!release(effect.actor) && this.#moving.delete(path)) this.#moved(effect.actor);
        return;
      }
      case "release":
        return void release(effect.actor);
      case "rebalanced":
        if (effect.moved + effect.failed === 0) return;
        return log.info("topology.rebalanced", { moved: effect.moved, failed: effect.failed });
      case "ask":
      case "pin":
      case "hook":
      case "refused":
      case "drained":
        return log.debug("topology.relocation", { ...effect });
    }
  }

  #moved(actor: ActorId): void {
    this.#options.clock.defer(() => this.#relocate({ kind: "moved", actor, outcome: "moved" }));
  }

  #later(afterMs: number, body: () => void): void {
    const stop = this.#options.clock.setTimer(afterMs, () => {
      this.#timers.delete(stop);
      body();
    });
    this.#timers.add(stop);
  }
}
