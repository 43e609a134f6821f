import type { ActorId, HistoryPolicy } from "../../domain/actor.ts";
import type { Caller, Payload, Reply, StringMap } from "../../domain/invocation.ts";
import type { Answer, Call } from "./call.ts";

/** The actor as the turns so far have left it. */
export interface ActorState {
  readonly state: Payload | undefined;
  readonly tags: StringMap;
  readonly revision: number;
}

/** A reply to be recorded under its request id, in plain. */
export interface StagedReply {
  readonly requestId: string;
  readonly digest: Uint8Array;
  readonly revision: number;
  /** `undefined` if a later turn of the same commit shredded it. */
  readonly reply: Reply | undefined;
}

/** The turn that shredded the actor: at which revision, and who asked. */
export interface Shredding {
  readonly revision: number;
  readonly caller: Caller;
}

/** A past state to be kept, in plain. */
export interface StagedHistory {
  readonly revision: number;
  readonly state: Payload | undefined;
  readonly tags: StringMap;
  readonly action: string;
}

/** What the committer takes: one actor's turns since its last commit, in plain. */
export interface StagedCommit {
  readonly actor: ActorId;
  readonly handle: number;
  readonly epoch: number;
  readonly baseRevision: number;
  readonly revision: number;
  readonly change: "keep" | "set" | "remove";
  /** What the actor had before this commit goes, whatever it has afterwards. */
  readonly shred: boolean;
  readonly state: Payload | undefined;
  readonly tags: StringMap;
  /** No turn has touched the tags. */
  readonly sameTags: boolean;
  readonly replies: readonly StagedReply[];
  readonly history: readonly StagedHistory[];
  readonly historyPolicy: HistoryPolicy;
  readonly turns: number;
}

/** Turns that will commit together, and the answers that wait for it. */
export class Batch {
  readonly baseRevision: number;
  readonly answers: Answer[] = [];
  replies: StagedReply[] = [];
  history: StagedHistory[] = [];
  readonly #baseTags: StringMap;
  #tip: ActorState;
  #shredding: Shredding | undefined;
  turns = 0;
  bytes = 0;

  constructor(base: ActorState) {
    this.baseRevision = base.revision;
    this.#baseTags = base.tags;
    this.#tip = base;
  }

  get tip(): ActorState {
    return this.#tip;
  }

  /** Nothing to write: no revision was taken and no request id was given. */
  get empty(): boolean {
    return this.#tip.revision === this.baseRevision && this.replies.length === 0;
  }

  /** The newest turn that shredded the actor, if one did. */
  get shredding(): Shredding | undefined {
    return this.#shredding;
  }

  advance(tip: ActorState): void {
    this.#tip = tip;
  }

  /** The turn of `call` shreds: of those before it stay only the request ids that they answered. */
  shred(call: Call, revision: number): void {
    this.#shredding = { revision, caller: call.invocation.caller };
    this.history = [];
    this.replies = this.replies.map((reply) => ({ ...reply, reply: undefined }));
  }

  commit(
    actor: ActorId,
    handle: number,
    epoch: number,
    historyPolicy: HistoryPolicy,
  ): StagedCommit {
    const { state, tags, revision } = this.#tip;
    const moved = revision !== this.baseRevision;
    return {
      actor,
      handle,
      epoch,
      baseRevision: this.baseRevision,
      revision,
      shred: this.#shredding !== undefined,
      change: !moved ? "keep" : state === undefined ? "remove" : "set",
      state,
      tags,
      sameTags: tags === this.#baseTags && this.#shredding === undefined,
      replies: this.replies,
      history: this.history,
      historyPolicy,
      turns: this.turns,
    };
  }
}
