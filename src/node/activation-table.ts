import { Call } from "../core/activation/call.ts";
import type {
  ActivationEffect,
  ActivationInput,
  ActivationTimer,
} from "../core/activation/effects.ts";
import { type ActorId, type ActorTypeSpec, actorPath } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import type { CallSignal, Invocation, Invoker, Payload, Reply } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { HostInvocation } from "../domain/turn.ts";
import { NO_SLOT, TimerWheel, type WheelEntry } from "../std/timer-wheel.ts";
import { RulesByType } from "./activation-rules.ts";
import * as refusals from "./call-refusals.ts";
import { CallsUnderWay } from "./calls-under-way.ts";
import type { StoreObserver } from "./claims.ts";
import type { CommitObserver } from "./committer.ts";
import type { Hosts } from "./hosts.ts";
import type { StateView } from "./node-api.ts";
import type { NodeEvents } from "./node-events.ts";
import type { Clock, Logger } from "./ports.ts";
import { Settlement } from "./settlement.ts";
import { makeSlot, positionOf, type Slot } from "./slot.ts";
import { PhaseTracker } from "./phase-tracker.ts";
import type { StoreRoom } from "./store-room.ts";
import type { StoreRooms } from "./store-rooms.ts";
import { typePathOf } from "./type-rules.ts";
import { Watchers } from "./watchers.ts";

export interface TableOptions {
  readonly rooms: StoreRooms;
  readonly hosts: Hosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  /** Digest of a payload and its action, for calls with a request id. */
  readonly digest: (action: string, payload: Payload) => Uint8Array;
  readonly observer: TableObserver;
  readonly events: Pick<NodeEvents, "activated" | "deactivated" | "shredded">;
}

/** What the table tells of its work; called on the hot path, so it must only count. */
export interface TableObserver extends CommitObserver, StoreObserver {
  activated(): void;
  deactivated(reason: string): void;
  replayed(): void;
  /** A bug of ours broke an activation. */
  invariantFailed(): void;
  /** Milliseconds that a call waited for its turn. */
  queued(ms: number, type: string): void;
  /** Milliseconds that an invocation was at its host. */
  hosted(ms: number, type: string): void;
}

interface IdleEntry extends WheelEntry {
  readonly slot: Slot;
  readonly timer: ActivationTimer;
}

const GRANULE_MS = 10;
const IDLE_GRANULE_MS = 250;

/**
 * Room 3: the activations of this node and their drivers. `invoke` puts a call into the mailbox of
 * its actor, activating it first if need be, and answers when the activation does. Every deadline is
 * an entry of one timer wheel.
 */
export class ActivationTable implements Invoker {
  readonly #options: TableOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #calls: CallsUnderWay;
  readonly #timers: TimerWheel<IdleEntry>;
  readonly #watchers = new Watchers();
  readonly #phases: PhaseTracker;
  readonly #rules: RulesByType;
  #lastCallId = 0;
  #draining = false;
  #stopTicks: (() => void) | undefined;
  #empty: (() => void)[] = [];

  constructor(options: TableOptions) {
    const now = options.clock.now();
    this.#options = options;
    this.#calls = new CallsUnderWay(options.limits, GRANULE_MS, now);
    this.#timers = new TimerWheel(IDLE_GRANULE_MS, now);
    this.#phases = new PhaseTracker(options.clock, options.observer);
    this.#rules = new RulesByType(options.hosts, options.limits);
  }

  get activations(): number {
    return this.#slots.size;
  }

  /** How many of them live in one store. */
  activationsIn(room: StoreRoom): number {
    let count = 0;
    for (const slot of this.#slots.values()) count += slot.room === room ? 1 : 0;
    return count;
  }

  get inFlight(): number {
    return this.#calls.count;
  }

  /** Calls that wait in all mailboxes, and in the longest. */
  mailboxes(): { readonly calls: number; readonly longest: number } {
    let calls = 0;
    let longest = 0;
    for (const { activation } of this.#slots.values()) {
      calls += activation.queued;
      longest = Math.max(longest, activation.queued);
    }
    return { calls, longest };
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#stopTicks?.();
  }

  invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { hosts, digest, rooms } = this.#options;
    const typePath = typePathOf(invocation.actor);
    const spec = hosts.spec(typePath);
    if (spec === undefined) return Promise.reject(refusals.unknownType(typePath));
    if (signal.aborted) return Promise.reject(refusals.canceled());
    if (this.#calls.isFull(invocation)) return Promise.reject(refusals.overloaded());
    const room = rooms.of(invocation.actor.system);
    const { refusal } = room;
    if (this.#isColdRead(invocation, refusal !== undefined) && !room.regressed) {
      return this.#readCold(invocation, room);
    }
    if (refusal !== undefined) return Promise.reject(refusal);
    const slot = this.#slot(invocation.actor, typePath, spec);
    if (slot === undefined) return Promise.reject(refusals.tooManyActivations());
    return new Promise<Reply>((resolve, reject) => {
      const sum =
        invocation.requestId === "" ? undefined : digest(invocation.action, invocation.payload);
      this.#lastCallId += 1;
      const settlement = new Settlement(resolve, reject, signal);
      const call = new Call(this.#lastCallId, invocation, sum, settlement);
      this.#calls.entered(call);
      settlement.listen(() => this.#expire(call, refusals.canceled()));
      this.#phases.entered(call);
      this.#enter(slot, call);
    });
  }

  /**
   * A look at the state of an actor that is not active, or that may not have a turn now. With a request
   * id it is a turn like any other.
   */
  #isColdRead({ actor, operation, requestId }: Invocation, refused: boolean): boolean {
    if (operation?.kind !== "state" || requestId !== "") return false;
    return refused || !this.#slots.has(actorPath(actor));
  }

  #readCold({ actor, deadlineMs }: Invocation, room: StoreRoom): Promise<Reply> {
    const { clock } = this.#options;
    const active = this.#slots.get(actorPath(actor));
    this.#calls.readBegun();
    return new Promise<Reply>((resolve, reject) => {
      const stop = clock.setTimer(Math.max(0, deadlineMs - clock.now()), () =>
        reject(refusals.deadline()),
      );
      room
        .read(actor, active === undefined ? undefined : positionOf(active))
        .then(resolve, reject)
        .finally(() => {
          stop();
          this.#calls.readEnded();
        });
    });
  }

  #enter(slot: Slot, call: Call): void {
    call.home = slot;
    const cold = slot.activation.status === "cold";
    this.step(slot, { kind: "invoke", call });
    if (cold) this.#begun(slot, call);
  }

  /** The activation that the call waited in is over: the next one takes it. */
  #reenter(call: Call): void {
    const { actor } = call.invocation;
    const typePath = typePathOf(actor);
    const spec = this.#options.hosts.spec(typePath);
    const slot = spec === undefined ? undefined : this.#slot(actor, typePath, spec);
    if (slot !== undefined) return this.#enter(slot, call);
    call.phase = "done";
    this.#calls.answered(call);
    call.settle.reject(refusals.tooManyActivations());
  }

  /** A new activation has had its first call. */
  #begun(slot: Slot, call: Call): void {
    // Refused before anything was claimed: there is nothing to keep, and no timer would end it.
    if (slot.activation.status === "cold") return this.#remove(slot, "refused");
    this.#phases.claiming(call);
    if (this.#draining) this.step(slot, { kind: "drain", waiting: "finish" });
  }

  /** The epoch under which the actor is active here; `undefined` if it is not. */
  activeEpoch(actor: ActorId): number | undefined {
    return this.#slots.get(actorPath(actor))?.activation.epoch;
  }

  /** Ends an activation after its turn; calls that wait go to the next one here, or get `waiting`. */
  deactivate(actor: ActorId, waiting: ServerError | "hand-back" = "hand-back"): boolean {
    const slot = this.#slots.get(actorPath(actor));
    if (slot === undefined) return false;
    this.step(slot, { kind: "drain", waiting });
    return true;
  }

  /** Every actor that is active. */
  actors(): readonly { readonly actor: ActorId; readonly typePath: string }[] {
    return [...this.#slots.values()];
  }

  /** Ends the activations of a type once they have nothing to do: the next ones see its new settings. */
  renew(typePath: string): void {
    for (const slot of [...this.#slots.values()]) {
      if (slot.typePath === typePath) this.step(slot, { kind: "drain", waiting: "hand-back" });
    }
  }

  /** Hears of every state of the actor that is committed here, until the returned function is called. */
  watch(actor: ActorId, listener: (view: StateView) => void): () => void {
    return this.#watchers.add(actorPath(actor), listener);
  }

  /** The session of a room is lost: no activation of it may answer any more. */
  fenceAll(room: StoreRoom): void {
    for (const slot of [...this.#slots.values()]) {
      if (slot.room === room) this.step(slot, { kind: "fenced" });
    }
  }

  /**
   * Finishes running turns, hands waiting calls back with `error`, releases every actor; one that a
   * running turn still calls goes again once it has answered. Resolves when the last one has gone;
   * the caller bounds the wait.
   */
  async drain(error: ServerError): Promise<void> {
    this.#draining = true;
    for (const slot of [...this.#slots.values()]) {
      this.step(slot, { kind: "drain", waiting: error });
    }
    while (this.#slots.size > 0) {
      await new Promise<void>((resolve) => this.#empty.push(resolve));
    }
    for (const room of this.#options.rooms.all) await room.drained();
  }

  #slot(actor: ActorId, typePath: string, spec: ActorTypeSpec): Slot | undefined {
    const path = actorPath(actor);
    const known = this.#slots.get(path);
    if (known !== undefined) return known;
    const { limits, observer, rooms } = this.#options;
    if (this.#slots.size >= limits.activations) return undefined;
    const room = rooms.of(actor.system);
    const rules = this.#rules.of(typePath, spec, room);
    const slot = makeSlot(actor, path, rules, room);
    this.#slots.set(path, slot);
    observer.activated();
    return slot;
  }

  /** Gives an activation its input and performs what it asks for. */
  step(slot: Slot, input: ActivationInput): void {
    if (slot.broken) return;
    let effects: readonly ActivationEffect[];
    try {
      effects = slot.activation.step(input, this.#options.clock.now());
      if (input.kind === "claimed") {
        this.#options.events.activated(slot.actor, slot.activation.epoch);
      }
    } catch (error) {
      // A bug of ours: the actor starts over with its next call; these calls end at their deadlines.
      this.#options.log.error("activation.broken", { actor: slot.path, input: input.kind, error });
      this.#options.observer.invariantFailed();
      slot.broken = true;
      this.#remove(slot, "broken");
      return;
    }
    for (let i = 0; i < effects.length; i += 1) this.#perform(slot, effects[i] as ActivationEffect);
  }

  #perform(slot: Slot, effect: ActivationEffect): void {
    switch (effect.kind) {
      case "reply":
        this.#phases.answered(effect.call);
        this.#calls.answered(effect.call);
        if (effect.reply.replayed) this.#options.observer.replayed();
        return effect.call.settle.resolve(effect.reply);
      case "reject":
        this.#phases.answered(effect.call);
        this.#calls.answered(effect.call);
        return effect.call.settle.reject(effect.error);
      case "requeue":
        return this.#reenter(effect.call);
      case "execute":
        return this.#execute(slot, effect.invocation);
      case "cancel":
        return this.#options.hosts.cancel(effect.invocationId);
      case "stage":
        return slot.room.committer.stage(slot);
      case "claim":
        return slot.room.claims.claim(slot);
      case "fence":
        return slot.room.claims.fence(slot, effect.token);
      case "lookup":
        return slot.room.claims.lookup(slot, effect.call);
      case "release":
        return slot.room.claims.release(slot, effect.epoch);
      case "schedule":
        return this.#schedule(slot, effect.timer, effect.afterMs);
      case "regressed":
        return slot.room.stopActor(slot.path, effect.loss, effect.known, effect.found);
      case "changed":
        return this.#watchers.changed(slot.path, effect);
      case "shredded":
        return this.#options.events.shredded(slot.actor, effect.revision, effect.caller);
      case "ended":
        return this.#remove(slot, effect.reason);
    }
  }

  #execute(slot: Slot, invocation: HostInvocation): void {
    // The lease may have passed while the call waited: what is not begun now can be begun elsewhere.
    const { refusal } = slot.room;
    if (refusal !== undefined) {
      const { id: invocationId } = invocation;
      return this.step(slot, { kind: "not-executed", invocationId, error: refusal });
    }
    this.#phases.begun(slot.activation.running);
    this.#options.hosts.execute(slot.typePath, invocation, {
      executed: (result) => {
        this.#phases.executed(slot.activation.running);
        this.step(slot, { kind: "executed", result });
      },
      notExecuted: (invocationId, error) =>
        this.step(slot, { kind: "not-executed", invocationId, error }),
    });
  }

  #schedule(slot: Slot, timer: ActivationTimer, afterMs: number): void {
    const dueMs = this.#options.clock.now() + afterMs;
    this.#timers.add({
      slot,
      timer,
      dueMs,
      wheelSlot: NO_SLOT,
      wheelNext: undefined,
      wheelPrevious: undefined,
    });
  }

  #remove(slot: Slot, reason: string): void {
    if (this.#slots.get(slot.path) !== slot) return;
    this.#slots.delete(slot.path);
    if (slot.activation.epoch > 0) slot.room.known.note(slot.path, positionOf(slot));
    this.#options.observer.deactivated(reason);
    this.#options.events.deactivated(slot.actor, reason);
    if (this.#slots.size > 0) return;
    const empty = this.#empty;
    this.#empty = [];
    for (const resolve of empty) resolve();
  }

  #tick(): void {
    const { clock } = this.#options;
    const now = clock.now();
    this.#calls.expire(now, (call) => this.#expire(call, refusals.deadline()));
    this.#timers.advance(now, ({ slot, timer }) => {
      if (this.#slots.get(slot.path) === slot) this.step(slot, { kind: "timer", timer });
    });
    this.#stopTicks = clock.setTimer(GRANULE_MS, () => this.#tick());
  }

  /** The call's time is over, or its caller took it back. */
  #expire(call: Call, error: ServerError): void {
    if (call.phase === "done") return;
    const slot = call.home as Slot;
    this.step(slot, { kind: "expired", call, error });
    if (!slot.broken) return;
    // Its activation broke: nobody else will answer.
    call.phase = "done";
    this.#phases.answered(call);
    this.#calls.answered(call);
    call.settle.reject(
      new ServerError("internal.bug", "an internal error occurred", "unknown", { cause: error }),
    );
  }
}
