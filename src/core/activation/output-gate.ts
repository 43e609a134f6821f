import type { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP } from "../../domain/invocation.ts";
import type { Answers } from "./answers.ts";
import type { Answer, Call } from "./call.ts";
import { type ActorState, Batch } from "./staged.ts";
import { bookAnswer } from "./turn-results.ts";

const COLD: ActorState = { state: undefined, tags: EMPTY_MAP, revision: 0 };

/**
 * The output gate (the rule of Cloudflare's Durable Objects): nothing that a turn computed leaves
 * before everything it depends on is committed. Holds the committed state, the batch whose commit is
 * under way, the batch that runs ahead of it, and the reads that wait for a fence read.
 */
export class OutputGate {
  readonly #answers: Answers;
  readonly #fenced: boolean;
  #committed: ActorState = COLD;
  #inFlight: Batch | undefined;
  #next: Batch | undefined;
  /** Answers of reads under a fence read, and of reads for which it began too early. */
  #fencing: Answer[] | undefined;
  #fenceNext: Answer[] | undefined;
  #fenceToken = 0;

  constructor(answers: Answers, fenced: boolean) {
    this.#answers = answers;
    this.#fenced = fenced;
  }

  get committed(): ActorState {
    return this.#committed;
  }

  /** The state that the next turn begins from. */
  get tip(): ActorState {
    return this.#next?.tip ?? this.#inFlight?.tip ?? this.#committed;
  }

  get quiet(): boolean {
    return this.#inFlight === undefined && this.#next === undefined && this.#fencing === undefined;
  }

  /** The batch whose commit is under way or of unknown fate. */
  get inFlight(): Batch | undefined {
    return this.#inFlight;
  }

  /** Whether turns have run so far ahead of the commit that they must wait. */
  isFull(turns: number, bytes: number): boolean {
    const next = this.#next;
    return next !== undefined && (next.turns >= turns || next.bytes >= bytes);
  }

  load(state: ActorState): void {
    this.#committed = state;
  }

  /** The batch that takes the next turn. Call `close` when the turn is booked. */
  open(): Batch {
    this.#next ??= new Batch(this.tip);
    return this.#next;
  }

  /** Ends the booking of a turn: what must be written is staged, what need not goes its way. */
  close(): void {
    const batch = this.#next;
    if (batch === undefined) return;
    if (!batch.empty) return this.#stage();
    this.#next = undefined;
    for (const answer of batch.answers) this.#passRead(answer);
  }

  /** Lets an answer that changes nothing go as soon as all that it has seen is committed and ours. */
  pass(answer: Answer): void {
    if (answer.kind === "reply" && answer.call.invocation.requestId !== "") {
      bookAnswer(this.open(), answer, true);
      this.#stage();
    } else if (this.#next !== undefined) {
      bookAnswer(this.#next, answer, false);
    } else {
      this.#passRead(answer);
    }
  }

  /** Rejections that user code computed from what may not be committed yet wait like replies. */
  passErrors(calls: readonly Call[], error: ServerError): void {
    for (const call of calls) this.pass({ kind: "reject", call, error });
  }

  /** Hands the staged batch to the committer; `undefined` while another is under way. */
  take(): Batch | undefined {
    if (this.#inFlight !== undefined) return undefined;
    this.#inFlight = this.#next;
    this.#next = undefined;
    return this.#inFlight;
  }

  /** Takes the batch under way out, to settle it. */
  settle(): Batch | undefined {
    const batch = this.#inFlight;
    this.#inFlight = undefined;
    return batch;
  }

  /** A batch is committed: its state counts, its answers go, and what ran ahead of it is staged. */
  release(batch: Batch): void {
    this.#committed = batch.tip;
    const { shredding } = batch;
    if (shredding !== undefined) this.#answers.effect({ kind: "shredded", ...shredding });
    if (batch.tip.revision !== batch.baseRevision) {
      const { state, tags, revision } = batch.tip;
      this.#answers.effect({ kind: "changed", state, tags, revision });
    }
    for (const answer of batch.answers) this.#answers.give(answer);
    if (this.#next !== undefined) this.#stage();
  }

  /** What ran ahead of a commit that failed has lost its base; so have reads of it. */
  abort(error: ServerError): void {
    const next = this.#next;
    const reads = [...(this.#fencing ?? []), ...(this.#fenceNext ?? [])];
    this.#next = undefined;
    this.#fencing = undefined;
    this.#fenceNext = undefined;
    if (next !== undefined) this.#answers.rejectAnswers(next.answers, error);
    this.#answers.rejectAnswers(reads, error);
  }

  /** Whether the answer to this fence read is still awaited; what it was for may be gone. */
  awaits(token: number): boolean {
    return this.#fencing !== undefined && token === this.#fenceToken;
  }

  /** A fence read found the epoch to be ours: reads before it were true. */
  fenceHeld(): void {
    for (const answer of this.#fencing ?? []) this.#answers.give(answer);
    this.#fencing = undefined;
    this.#startFence();
  }

  fenceFailed(error: ServerError): void {
    this.#answers.rejectAnswers(this.#fencing ?? [], error);
    this.#fencing = undefined;
    this.#startFence();
  }

  #stage(): void {
    if (this.#inFlight === undefined) this.#answers.effect({ kind: "stage" });
  }

  #passRead(answer: Answer): void {
    const { call } = answer;
    call.phase = call.phase === "done" ? "done" : "staged";
    if (this.#inFlight !== undefined) this.#inFlight.answers.push(answer);
    else if (!this.#fenced || answer.kind === "reject") this.#answers.give(answer);
    else {
      this.#fenceNext ??= [];
      this.#fenceNext.push(answer);
      if (this.#fencing === undefined) this.#startFence();
    }
  }

  #startFence(): void {
    if (this.#fenceNext === undefined) return;
    this.#fencing = this.#fenceNext;
    this.#fenceNext = undefined;
    this.#fenceToken += 1;
    this.#answers.effect({ kind: "fence", token: this.#fenceToken });
  }
}
