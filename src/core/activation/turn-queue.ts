import { type ActorId, type ActorTypeSpec, DEFAULT_READ_ACTIONS } from "../../domain/actor.ts";
import type { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD, type Operation, type Reply } from "../../domain/invocation.ts";
import type { HostResult, HostTurn } from "../../domain/turn.ts";
import { assert } from "../../std/assert.ts";
import type { Answers } from "./answers.ts";
import { type Call, sameDigest } from "./call.ts";
import type { FoundReply } from "./effects.ts";
import { Mailbox } from "./mailbox.ts";
import { outcomes } from "./outcomes.ts";
import type { OutputGate } from "./output-gate.ts";
import { RequestWindow } from "./request-window.ts";
import { bookAnswer, bookResult, makeReply, type TurnLimits } from "./turn-results.ts";

/** What bounds the turns of an activation. */
export interface TurnQueueOptions {
  readonly spec: ActorTypeSpec;
  /** Calls that may share one invocation of the host. */
  readonly chainedTurns: number;
  /** How far turns may run ahead of a commit. */
  readonly aheadTurns: number;
  readonly aheadBytes: number;
  readonly turn: TurnLimits;
}

/**
 * The turns of one actor, one after another: from the mailbox to the host (or to the server's own
 * operations) and into the output gate. At most one invocation is at the host.
 */
export class TurnQueue {
  readonly window = new RequestWindow();
  readonly #actor: ActorId;
  readonly #options: TurnQueueOptions;
  readonly #mailbox: Mailbox;
  readonly #defaultReads: boolean;
  readonly #answers: Answers;
  readonly #gate: OutputGate;
  #running: readonly Call[] | undefined;
  /** The running invocation's result is no longer wanted: its base is gone. */
  #voided: ServerError | undefined;
  #lookups = 0;

  constructor(actor: ActorId, options: TurnQueueOptions, answers: Answers, gate: OutputGate) {
    const { spec } = options;
    this.#actor = actor;
    this.#options = options;
    this.#answers = answers;
    this.#gate = gate;
    this.#mailbox = new Mailbox(spec.mailboxCalls, spec.mailboxBytes);
    this.#defaultReads = !spec.actions.some((action) => DEFAULT_READ_ACTIONS.has(action.name));
  }

  /** Calls that wait for their turn. */
  get queued(): number {
    return this.#mailbox.length;
  }

  get running(): readonly Call[] {
    return this.#running ?? [];
  }

  /** No turn is under way, though calls may wait for theirs. */
  get still(): boolean {
    return this.#running === undefined && this.#lookups === 0;
  }

  /** False if the mailbox is full; calls in look-up keep their place in it. */
  offer(call: Call): boolean {
    const held = this.#mailbox.length + this.#lookups;
    return held < this.#options.spec.mailboxCalls && this.#mailbox.offer(call);
  }

  /** A call was answered where it waited, before its turn; an equal call takes its place. */
  leave(call: Call, wasQueued: boolean): void {
    if (wasQueued) this.#mailbox.forget(call);
    this.#answers.forget(call);
    const heir = this.#answers.heirOf(call);
    if (heir !== undefined) this.#mailbox.putBack(heir);
  }

  /** Tells the host when nobody waits for what it runs. */
  cancelIfAbandoned(): void {
    const running = this.#running;
    if (running === undefined || this.#voided !== undefined || !running.every(isAbandoned)) return;
    this.#answers.effect({ kind: "cancel", invocationId: firstId(running) });
  }

  /** Begins as many turns as may begin now. */
  pump(epoch: number, nowMs: number): void {
    while (this.#running === undefined) {
      if (this.#gate.isFull(this.#options.aheadTurns, this.#options.aheadBytes)) return;
      const call = this.#mailbox.take();
      if (call === undefined) return;
      if (!this.#ready(call, nowMs)) continue;
      const { operation } = call.invocation;
      if (operation !== undefined) this.#operate(call, operation);
      else if (this.#isDefaultRead(call)) this.#operate(call, { kind: "state" });
      else this.#execute(call, epoch, nowMs);
    }
  }

  /** The host has answered. */
  executed(result: HostResult): void {
    const calls = this.#takeRunning(result.id);
    if (calls === undefined) return;
    if (this.#voided !== undefined) return this.#answers.rejectAll(calls, this.#voided);
    const { spec, turn } = this.#options;
    const batch = this.#gate.open();
    const refused = bookResult(batch, calls, result, spec, turn);
    this.#gate.close();
    if (refused !== undefined) this.#gate.passErrors(calls, refused);
  }

  /** The host did not run the invocation, or was lost with it. */
  notExecuted(invocationId: number, error: ServerError): void {
    const calls = this.#takeRunning(invocationId);
    if (calls !== undefined) this.#answers.rejectAll(calls, this.#voided ?? error);
  }

  /** Whatever the host answers now has lost its base. */
  voidRunning(error: ServerError): void {
    if (this.#running !== undefined) this.#voided = error;
  }

  /** Ends everything: running calls hear `ran`, waiting ones hear `waiting`. */
  rejectAll(waiting: ServerError, ran: ServerError): void {
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) {
      this.#answers.rejectAll(running, this.#voided ?? ran);
      this.#answers.effect({ kind: "cancel", invocationId: firstId(running) });
    }
    this.rejectWaiting(waiting);
  }

  /** Gives every waiting call back to the driver. */
  handBackWaiting(): void {
    for (let call = this.#mailbox.take(); call !== undefined; call = this.#mailbox.take()) {
      this.#answers.handBack(call);
    }
  }

  rejectWaiting(error: ServerError): void {
    for (let call = this.#mailbox.take(); call !== undefined; call = this.#mailbox.take()) {
      this.#answers.reject(call, error);
    }
  }

  /** The store has answered whether a reply is recorded. */
  found(call: Call, found: FoundReply | undefined): void {
    this.#lookups -= 1;
    if (call.phase === "done") return;
    if (found === undefined) {
      call.checked = true;
      call.phase = "queued";
      this.#mailbox.putBack(call);
    } else if (found.kind === "shredded") {
      this.#answers.reject(call, outcomes.shredded());
    } else if (sameDigest(found.digest, call.digest)) {
      this.#answers.give({ kind: "reply", call, reply: { ...found.reply, replayed: true } });
    } else {
      this.#answers.reject(call, outcomes.idConflict());
    }
  }

  lookupFailed(call: Call, error: ServerError): void {
    this.#lookups -= 1;
    this.#answers.reject(call, error);
  }

  #takeRunning(invocationId: number): readonly Call[] | undefined {
    const calls = this.#running;
    if (calls === undefined || firstId(calls) !== invocationId) return undefined;
    this.#running = undefined;
    return calls;
  }

  /** Whether a call taken from the mailbox may begin now; if not, it has been dealt with. */
  #ready(call: Call, nowMs: number): boolean {
    const { deadlineMs, requestId } = call.invocation;
    if (deadlineMs <= nowMs) {
      this.#answers.reject(call, outcomes.expired());
      return false;
    }
    if (requestId !== "" && !call.checked && this.window.mayHold(requestId)) {
      call.phase = "looking";
      this.#lookups += 1;
      this.#answers.effect({ kind: "lookup", call });
      return false;
    }
    return true;
  }

  #isDefaultRead(call: Call): boolean {
    return this.#defaultReads && DEFAULT_READ_ACTIONS.has(call.invocation.action);
  }

  #execute(first: Call, epoch: number, nowMs: number): void {
    const { expectedRevision } = first.invocation;
    const tip = this.#gate.tip;
    if (expectedRevision !== undefined && expectedRevision !== tip.revision) {
      const error = outcomes.wrongRevision(expectedRevision, tip.revision);
      return this.#gate.pass({ kind: "reject", call: first, error });
    }
    const calls = [first];
    while (calls.length < this.#options.chainedTurns) {
      const call = this.#mailbox.peek();
      if (call === undefined || !this.#chains(call)) break;
      this.#mailbox.take();
      if (this.#ready(call, nowMs)) calls.push(call);
    }
    const turns: HostTurn[] = [];
    for (const call of calls) {
      call.phase = "running";
      turns.push({ turnId: call.id, invocation: call.invocation, attempt: 1 });
    }
    this.#running = calls;
    this.#voided = undefined;
    const { spec } = this.#options;
    const { state, tags, revision } = tip;
    const actor = this.#actor;
    const keepStates = spec.history.kind !== "none";
    this.#answers.effect({
      kind: "execute",
      invocation: { id: first.id, actor, state, revision, epoch, tags, turns, keepStates },
    });
  }

  /** Calls that may share an invocation with the one before: ordinary ones, bound to no revision. */
  #chains(call: Call): boolean {
    const { operation, expectedRevision } = call.invocation;
    return operation === undefined && expectedRevision === undefined && !this.#isDefaultRead(call);
  }

  /** What the server does itself, on the state that the turns before have left. */
  #operate(call: Call, operation: Operation): void {
    const tip = this.#gate.tip;
    if (operation.kind === "state") {
      const plain = makeReply(tip.state ?? EMPTY_PAYLOAD, tip.revision, EMPTY_MAP);
      const reply: Reply = { ...plain, tags: tip.tags };
      return this.#gate.pass({ kind: "reply", call, reply });
    }
    const { maxRevision, shreds } = this.#options.turn;
    const shred = operation.kind === "delete" && operation.shred;
    if (shred && !shreds) return this.#answers.reject(call, outcomes.cannotShred());
    if (tip.revision >= maxRevision) {
      return this.#answers.reject(call, outcomes.exhausted());
    }
    const batch = this.#gate.open();
    const revision = tip.revision + 1;
    const restored = operation.kind === "restore" ? operation : undefined;
    const state = restored?.state;
    const tags = restored?.tags ?? EMPTY_MAP;
    batch.advance({ state, tags, revision });
    batch.turns += 1;
    if (shred) batch.shred(call, revision);
    if (this.#options.spec.history.kind !== "none") {
      batch.history.push({ revision, state, tags, action: call.invocation.action });
    }
    const reply = makeReply(EMPTY_PAYLOAD, revision, EMPTY_MAP);
    bookAnswer(batch, { kind: "reply", call, reply }, true);
    this.#gate.close();
  }
}

function firstId(calls: readonly Call[]): number {
  const first = calls[0];
  assert(first !== undefined, "an invocation has a call");
  return first.id;
}

/** Nobody waits for it any more: it is answered, and so are the equal calls that follow it. */
export function isAbandoned(call: Call): boolean {
  return call.phase === "done" && !(call.followers?.some(isFollowing) ?? false);
}

function isFollowing(call: Call): boolean {
  return call.phase === "following";
}
