import type {
  PartitionDecision,
  PartitionTolerance,
  ReadResult,
  Statestore,
} from "../contract/index.ts";
import type { ActivationEffect } from "../core/activation/effects.ts";
import { outcomes } from "../core/activation/outcomes.ts";
import type { Loss, Position } from "../core/activation/position.ts";
import { type ActorId, actorPath } from "../domain/actor.ts";
import type { ServerError } from "../domain/error.ts";
import type { Reply } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import * as refusals from "./call-refusals.ts";
import { missingKeyCheck } from "./check-keys.ts";
import { Claims, type StoreObserver } from "./claims.ts";
import { readCommitted } from "./committed-state.ts";
import { type CommitObserver, Committer } from "./committer.ts";
import { KnownPositions } from "./known-positions.ts";
import type { NodeEvents } from "./node-events.ts";
import type { Clock, Logger } from "./ports.ts";
import type { ResealProgress } from "./reseal-sweep.ts";
import { type Sealer, seedsOf } from "./sealer.ts";
import { SessionKeeper } from "./session-keeper.ts";
import type { StepSlot } from "./slot.ts";
import { Upkeep } from "./upkeep.ts";

const SERVE: PartitionDecision = Object.freeze({ kind: "serve" });

/** What the rooms of one node have in common. */
export interface RoomOptions {
  readonly nodeName: string;
  readonly bootId: string;
  readonly sealer: Sealer;
  readonly partitionTolerance: PartitionTolerance;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly observer: CommitObserver & StoreObserver;
  readonly events: Pick<NodeEvents, "storeReachable">;
  readonly step: StepSlot;
  /** Where peers reach this node, or "" if it has none. */
  readonly address: () => string;
  /** The room has a session, the first or another one. */
  readonly opened: (room: StoreRoom, sessionId: number) => void;
  /** Asks others for the decision that follows, which comes by `decide`; false if there are none. */
  readonly judged: (room: StoreRoom, reachable: boolean) => boolean;
  /** The session of the room is lost: none of its activations may answer any more. */
  readonly fenced: (room: StoreRoom) => void;
  /** Another process lives under this node's name. True if this one gives way. */
  readonly usurped: (room: StoreRoom) => boolean;
}

type Regression = Extract<ActivationEffect, { readonly kind: "regressed" }>;

/**
 * Everything that a node has for one statestore: its session there, what is asked and committed, and
 * whether it can be reached. Rooms share nothing, so that one store's trouble is its own systems' only.
 */
export class StoreRoom {
  readonly name: string;
  readonly store: Statestore;
  readonly sessions: SessionKeeper;
  readonly claims: Claims;
  readonly committer: Committer;
  readonly known = new KnownPositions();
  readonly #options: RoomOptions;
  readonly #upkeep: Upkeep;
  #reachable = true;
  #regressed = false;
  #partition: PartitionDecision | undefined;

  constructor(name: string, store: Statestore, options: RoomOptions) {
    const { clock, limits, sealer, observer, step, nodeName, bootId } = options;
    const log = options.log.child({ store: name });
    this.name = name;
    this.store = store;
    this.#options = { ...options, log };
    this.#upkeep = new Upkeep({ store, sealer, clock, log, limits });
    const session = (): number | undefined => this.session;
    const common = { name, store, sealer, clock, session, observer };
    this.claims = new Claims({ ...common, known: this.known }, step);
    this.committer = new Committer(common, step);
    this.sessions = new SessionKeeper({
      store,
      clock,
      log,
      nodeName,
      bootId,
      address: options.address,
      ttlMs: limits.sessionTtlMs,
      renewMs: limits.sessionRenewMs,
      marginMs: limits.sessionMarginMs,
      exclusive: store.exclusive,
      opened: (sessionId) => options.opened(this, sessionId),
      fenced: () => options.fenced(this),
      usurped: () => options.usurped(this),
      report: (reachable) => this.#evaluate(reachable),
      missing: () => missingKeyCheck(store.meta, sealer),
      regressed: (why) => this.#condemn(why),
    });
  }

  /** The session under which the node may act in the store; `undefined` while it may not. */
  get session(): number | undefined {
    return this.sessions.current;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  /** Shredding is possible: the store keeps seeds and states are sealed. */
  get shreds(): boolean {
    return seedsOf(this.store, this.#options.sealer) !== undefined;
  }

  /** How far the re-encryption under way has come. */
  get resealing(): ResealProgress {
    return this.#upkeep.resealing;
  }

  /** The store as a whole has gone back; this process uses it no more. */
  get regressed(): boolean {
    return this.#regressed;
  }

  get partition(): PartitionDecision {
    return this.#partition ?? SERVE;
  }

  /** Why no turn of its actors begins now. */
  get refusal(): ServerError | undefined {
    if (this.#regressed) return refusals.storeRegressed(this.name);
    return this.session === undefined ? refusals.noSession("not_started") : undefined;
  }

  /** Begins what is done for the store in the background; the session is open by then. */
  start(): void {
    this.#evaluate(true);
    this.#upkeep.start();
  }

  /** Nothing more is done for the store; its session is closed. Rejects if the store does. */
  async stop(): Promise<void> {
    this.#upkeep.stop();
    await this.sessions.stop();
  }

  /** Resolves when nothing is asked, staged or under way. */
  async drained(): Promise<void> {
    await this.committer.drained();
    await this.claims.drained();
  }

  /**
   * The committed state of an actor, read without claiming it. `active`: how far its activation here
   * has come, if there is one. Rejects with `state.unavailable` or `state.corrupt`.
   */
  read(actor: ActorId, active?: Position): Promise<Reply> {
    const { sealer } = this.#options;
    const expect = this.expect(actor, active);
    return readCommitted({ store: this.store, sealer }, actor, expect);
  }

  /** Makes the check of a read that is about to be sent: it throws if the store has lost something. */
  expect(actor: ActorId, active?: Position): (found: ReadResult | undefined) => void {
    const path = actorPath(actor);
    const known = active ?? this.known.of(path);
    return (found) => {
      const isStopped = this.known.loss(path) !== undefined;
      const loss = this.known.check(path, known, found);
      if (loss === undefined || known === undefined) return;
      if (!isStopped) this.stopActor(path, loss, known, found);
      throw outcomes.lost(loss, "not_started");
    };
  }

  /** The store has less of an actor than it once confirmed: said loudly, and remembered. */
  stopActor(path: string, loss: Loss, known: Position, found: Regression["found"]): void {
    const { log, observer } = this.#options;
    this.known.stop(path, known, loss);
    observer.anomaly("store_regressed");
    log.error("store.regressed", {
      actor: path,
      reason: loss,
      known_epoch: known.epoch,
      known_revision: known.revision,
      found_epoch: found?.epoch,
      found_revision: found?.revision,
    });
  }

  /** Whether the actors of the room are served. */
  decide(decision: PartitionDecision): void {
    const { log } = this.#options;
    if (decision.kind !== this.partition.kind) log.warn("partition.decision", { ...decision });
    this.#partition = decision;
  }

  #condemn(why: string): void {
    const { log, observer } = this.#options;
    this.#regressed = true;
    observer.anomaly("store_regressed");
    log.error("store.regressed", { reason: "STORE_REGRESSED", detail: why });
  }

  #evaluate(reachable: boolean): void {
    const { partitionTolerance, nodeName, events } = this.#options;
    if (reachable !== this.#reachable) events.storeReachable(this.name, reachable);
    this.#reachable = reachable;
    if (this.#options.judged(this, reachable)) return;
    const members = [nodeName];
    const decision = partitionTolerance.evaluate({
      self: nodeName,
      alive: members,
      known: members,
      storeReachable: this.store.exclusive ? undefined : reachable,
      up: [],
      down: [],
      left: [],
      previous: this.#partition,
    });
    this.decide(decision);
  }
}
