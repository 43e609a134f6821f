import type { ActorId } from "../../domain/actor.ts";
import { ServerError } from "../../domain/error.ts";
import { assert } from "../../std/assert.ts";
import { Answers } from "./answers.ts";
import type { Call } from "./call.ts";
import type {
  ActivationEffect,
  ActivationInput,
  ActivationTimer,
  ClaimedState,
  CommitOutcome,
  EndReason,
  WaitingCalls,
} from "./effects.ts";
import { cycleError, outcomes } from "./outcomes.ts";
import { OutputGate } from "./output-gate.ts";
import { furthest, type Loss, lossOf, type Position } from "./position.ts";
import type { ActorState, Batch, StagedCommit } from "./staged.ts";
import { isAbandoned, TurnQueue, type TurnQueueOptions } from "./turn-queue.ts";

/*
 * The life of one actor on one node, as a state machine without clock or promise:
 *
 *   cold -> claiming -> active -> ended          a claim raises the epoch and brings the state
 *                  ^      |
 *                  |      +-> resolving -> active   a commit of unknown fate: claim again and look
 *                  +------+                         a lost compare-and-set: claim again and go on
 *
 * While `active`: at most one invocation is at the host, at most one commit is under way, and turns
 * run ahead of the commit; what they answer waits at the output gate.
 */

/** What an activation needs to know. */
export interface ActivationOptions extends TurnQueueOptions {
  /** Another process could take the actor, so reads are fenced by a read of the epoch. */
  readonly fenceReads: boolean;
  readonly chainDepth: number;
}

type Status = "cold" | "claiming" | "active" | "resolving" | "ended";

const MAX_RETRY_MS = 500;
const IDLE: ActivationTimer = { kind: "idle", token: 0 };

/**
 * One actor's activation. `step` takes what happened and returns what to do, in order. `take` hands
 * over what is staged. Never throws on what a host, a store or a caller does; an `InvariantError` is
 * a bug of the driver.
 */
export class Activation {
  readonly #actor: ActorId;
  readonly #options: ActivationOptions;
  readonly #answers: Answers;
  readonly #gate: OutputGate;
  readonly #turns: TurnQueue;
  #status: Status = "cold";
  #handle = 0;
  #epoch = 0;
  #draining: WaitingCalls | undefined;
  #lastActiveMs = 0;
  /** The claim under way follows a commit that changed nothing: what is here is what is committed. */
  #holds = false;
  #retryToken = 0;
  #retryMs = 0;
  #nowMs = 0;

  /** `options` may be shared by all activations of a type. */
  constructor(actor: ActorId, options: ActivationOptions) {
    const { spec } = options;
    this.#actor = actor;
    this.#options = options;
    this.#answers = new Answers(spec.mailboxCalls);
    this.#gate = new OutputGate(this.#answers, options.fenceReads && spec.stateful);
    this.#turns = new TurnQueue(actor, options, this.#answers, this.#gate);
  }

  get status(): Status {
    return this.#status;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The last committed state; what those who watch begin with. */
  get committed(): ActorState {
    return this.#gate.committed;
  }

  /** Calls that wait for their turn. */
  get queued(): number {
    return this.#turns.queued;
  }

  /** The calls at the host now. */
  get running(): readonly Call[] {
    return this.#turns.running;
  }

  step(input: ActivationInput, nowMs: number): readonly ActivationEffect[] {
    this.#answers.begin();
    this.#nowMs = nowMs;
    if (this.#status === "ended") this.#afterEnd(input);
    else this.#dispatch(input);
    const effects = this.#answers.collected;
    this.#answers.begin();
    return effects;
  }

  /** What is staged, for the committer; `undefined` if it is gone or a commit is under way. */
  take(): StagedCommit | undefined {
    if (this.#status !== "active") return undefined;
    const { history } = this.#options.spec;
    return this.#gate.take()?.commit(this.#actor, this.#handle, this.#epoch, history);
  }

  #dispatch(input: ActivationInput): void {
    switch (input.kind) {
      case "invoke":
        return this.#invoke(input.call);
      case "claimed":
        return this.#claimed(input.claimed, input.known);
      case "owned":
        return this.#lose("owned", outcomes.owned(input.owner), outcomes.fenced());
      case "claim-failed":
        return this.#claimFailed(input.error);
      case "executed":
        this.#turns.executed(input.result);
        return this.#pump();
      case "not-executed":
        this.#turns.notExecuted(input.invocationId, input.error);
        return this.#pump();
      case "settled":
        return this.#settled(input.outcome);
      case "found":
        this.#turns.found(input.call, input.found);
        return this.#pump();
      case "lookup-failed":
        this.#turns.lookupFailed(input.call, input.error);
        return this.#pump();
      case "fence-read":
        return this.#fenceRead(input.token, input.epoch);
      case "fence-failed":
        if (!this.#gate.awaits(input.token)) return;
        this.#gate.fenceFailed(input.error);
        return this.#finishDrain();
      case "expired":
        return this.#expired(input.call, input.error);
      case "timer":
        return this.#timer(input.timer);
      case "drain":
        return this.#drain(input.waiting);
      case "fenced":
        return this.#lose("fenced", outcomes.fencedWaiting(), outcomes.fenced());
    }
  }

  /** Late news for an activation that is over: a claim is let go, a call is handed back. */
  #afterEnd(input: ActivationInput): void {
    if (input.kind === "invoke") this.#answers.reject(input.call, outcomes.ending());
    else if (input.kind === "claimed") {
      this.#answers.effect({ kind: "release", epoch: input.claimed.epoch });
    }
  }

  #invoke(call: Call): void {
    this.#lastActiveMs = this.#nowMs;
    if (this.#draining instanceof Error) return this.#answers.reject(call, this.#draining);
    const cycle = cycleError(call.invocation, this.#options.chainDepth);
    if (cycle !== undefined) return this.#answers.reject(call, cycle);
    const { requestId } = call.invocation;
    const first = requestId === "" ? undefined : this.#answers.underWay(requestId);
    if (first !== undefined) return this.#answers.follow(first, call);
    if (!this.#turns.offer(call)) return this.#answers.reject(call, outcomes.mailboxFull());
    this.#answers.enter(call);
    if (this.#status === "cold") this.#claim("claiming");
    else this.#pump();
  }

  #expired(call: Call, error: ServerError): void {
    if (call.phase === "done") return;
    const { phase } = call;
    const waits = phase === "queued" || phase === "looking";
    // A call that follows an equal one shares its fate, which may be to be applied.
    const outcome = waits ? "not_started" : "unknown";
    this.#answers.refuse(call, new ServerError(error.code, error.message, outcome, error.details));
    if (!waits) return this.#turns.cancelIfAbandoned();
    this.#turns.leave(call, phase === "queued");
    this.#pump();
  }

  #claim(status: "claiming" | "resolving", holds = false): void {
    this.#status = status;
    this.#holds = holds;
    this.#answers.effect({ kind: "claim" });
  }

  #claimed(claimed: ClaimedState, remembered: Position | undefined): void {
    assert(this.#status === "claiming" || this.#status === "resolving", "a claim was asked for");
    const { handle, epoch, state, tags, revision, requestIds, existed } = claimed;
    const before = this.#epoch;
    const known = furthest({ epoch: before, revision: this.#gate.committed.revision }, remembered);
    // A claim raises the epoch by one: what was there before it counts.
    const found = existed ? { epoch: epoch - 1, revision } : undefined;
    const loss = lossOf(known, found);
    if (loss !== undefined) {
      this.#answers.effect({ kind: "release", epoch });
      return this.#stop(loss, known, found);
    }
    this.#handle = handle;
    this.#epoch = epoch;
    const batch = this.#gate.settle();
    this.#gate.load({ state, tags, revision });
    this.#turns.window.reset(requestIds);
    this.#status = "active";
    this.#retryMs = 0;
    this.#lastActiveMs = this.#nowMs;
    if (batch !== undefined) this.#resolve(batch, claimed, epoch === before + 1);
    if (before === 0) this.#scheduleIdle(this.#options.spec.deactivationTimeoutMs);
    this.#pump();
  }

  /**
   * The fate of a commit that answered nothing. The claim has fenced it: it is in the row now, or
   * never will be. If nobody else held the actor in between, the revision tells which; a commit that
   * took no revision is known by the request ids it recorded.
   */
  #resolve(batch: Batch, claimed: ClaimedState, alone: boolean): void {
    const ids = claimed.requestIds;
    let applied: boolean | undefined;
    if (!alone) applied = undefined;
    else if (batch.tip.revision === batch.baseRevision) {
      applied = ids && batch.replies.every((reply) => ids.includes(reply.requestId));
    } else if (claimed.revision === batch.tip.revision) applied = true;
    else if (claimed.revision === batch.baseRevision) applied = false;
    if (applied === true) this.#commit(batch);
    else {
      const error = applied === false ? outcomes.aborted() : outcomes.unknownCommit();
      this.#answers.rejectAnswers(batch.answers, error);
    }
  }

  #claimFailed(error: ServerError): void {
    if (this.#holds) {
      // Nothing was changed by the commit that failed, so what is here is still what is committed: a
      // store that takes no writes must not end the reads.
      this.#status = "active";
      this.#turns.rejectWaiting(error);
      return this.#pump();
    }
    const unresolved = this.#gate.inFlight;
    if (unresolved === undefined || unresolved.answers.every(({ call }) => isAbandoned(call))) {
      return this.#lose("unavailable", error, outcomes.aborted());
    }
    // Someone still waits to hear what became of the commit: keep asking.
    this.#turns.rejectWaiting(error);
    this.#retryMs = Math.min(MAX_RETRY_MS, Math.max(25, this.#retryMs * 2));
    this.#retryToken += 1;
    const timer: ActivationTimer = { kind: "claim-retry", token: this.#retryToken };
    this.#answers.effect({ kind: "schedule", timer, afterMs: this.#retryMs });
  }

  #pump(): void {
    const open = this.#draining === undefined || this.#draining === "finish";
    if (open && this.#status === "active") this.#turns.pump(this.#epoch, this.#nowMs);
    this.#finishDrain();
  }

  #commit(batch: Batch): void {
    for (const { requestId } of batch.replies) this.#turns.window.add(requestId);
    this.#gate.release(batch);
  }

  #settled(outcome: CommitOutcome): void {
    if (this.#gate.inFlight === undefined || this.#status !== "active") return;
    if (outcome.kind === "unknown") {
      this.#abort();
      return this.#claim("resolving");
    }
    const batch = this.#gate.settle();
    assert(batch !== undefined, "a commit under way has a batch");
    if (outcome.kind === "fenced") {
      this.#answers.rejectAnswers(batch.answers, outcomes.fenced());
      return this.#lose("fenced", outcomes.fencedWaiting(), outcomes.fenced());
    }
    if (outcome.kind === "committed") {
      this.#commit(batch);
      return this.#pump();
    }
    const error = outcome.kind === "failed" ? outcome.error : outcomes.conflict();
    this.#answers.rejectAnswers(batch.answers, error);
    this.#abort();
    this.#claim("claiming", outcome.kind === "failed");
  }

  /** What ran ahead of a commit that did not succeed has lost its base. */
  #abort(): void {
    this.#gate.abort(outcomes.aborted());
    this.#turns.voidRunning(outcomes.aborted());
  }

  #fenceRead(token: number, epoch: number | undefined): void {
    if (!this.#gate.awaits(token)) return;
    const known = { epoch: this.#epoch, revision: this.#gate.committed.revision };
    const found = epoch === undefined ? undefined : { ...known, epoch };
    const loss = lossOf(known, found);
    if (loss !== undefined) return this.#stop(loss, known, found);
    if (epoch !== this.#epoch) {
      return this.#lose("fenced", outcomes.fencedWaiting(), outcomes.fenced());
    }
    this.#gate.fenceHeld();
    this.#finishDrain();
  }

  #timer(timer: ActivationTimer): void {
    if (timer.kind === "claim-retry") {
      if (timer.token === this.#retryToken) this.#claim("resolving");
      return;
    }
    const idleMs = this.#nowMs - this.#lastActiveMs;
    const timeoutMs = this.#options.spec.deactivationTimeoutMs;
    if (idleMs >= timeoutMs && this.#status === "active" && this.#isQuiet()) {
      this.#end("idle", true);
    } else this.#scheduleIdle(Math.max(timeoutMs - idleMs, timeoutMs / 8));
  }

  #isQuiet(): boolean {
    return this.#turns.still && this.#turns.queued === 0 && this.#gate.quiet;
  }

  #scheduleIdle(afterMs: number): void {
    this.#answers.effect({ kind: "schedule", timer: IDLE, afterMs: Math.max(afterMs, 1) });
  }

  #drain(waiting: WaitingCalls): void {
    this.#draining = waiting;
    this.#finishDrain();
  }

  /**
   * Ends once no turn and no commit is under way. With "hand-back" the calls that wait are not waited
   * for, or an actor under steady load would never end.
   */
  #finishDrain(): void {
    const waiting = this.#draining;
    if (waiting === undefined) return;
    if (waiting instanceof Error) this.#turns.rejectWaiting(waiting);
    if (waiting === "hand-back" ? !this.#turns.still || !this.#gate.quiet : !this.#isQuiet())
      return;
    if (this.#status === "active") this.#end("drained", true);
    else if (this.#status === "cold") this.#end("drained", false);
  }

  /** The store has less than it confirmed: nobody goes on from that without the operator's word. */
  #stop(loss: Loss, known: Position, found: Position | undefined): void {
    this.#answers.effect({ kind: "regressed", loss, known, found });
    const [waiting, ran] = [outcomes.lost(loss, "not_started"), outcomes.lost(loss, "not_applied")];
    this.#lose("damaged", waiting, ran, outcomes.lost(loss, "unknown"));
  }

  /**
   * The actor is not ours to act for. Calls that wait hear `waiting`, calls that ran hear `ran`;
   * those of a commit that has not answered hear that its fate is unknown.
   */
  #lose(
    reason: EndReason,
    waiting: ServerError,
    ran: ServerError,
    fate = outcomes.unknownCommit(),
  ): void {
    const batch = this.#gate.settle();
    if (batch !== undefined) this.#answers.rejectAnswers(batch.answers, fate);
    this.#gate.abort(ran);
    this.#turns.rejectAll(waiting, ran);
    this.#end(reason, false);
  }

  #end(reason: EndReason, release: boolean): void {
    this.#status = "ended";
    if (release) this.#answers.effect({ kind: "release", epoch: this.#epoch });
    this.#answers.effect({ kind: "ended", reason });
    // After the end, so that the driver begins the next activation and not this one with them.
    if (reason === "drained") this.#turns.handBackWaiting();
    this.#answers.rejectEvery(outcomes.ending());
  }
}
