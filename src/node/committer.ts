import type { ActorCommit, CommitResult, DedupRecord, Statestore } from "../contract/index.ts";
import type { CommitOutcome } from "../core/activation/effects.ts";
import type { StagedCommit } from "../core/activation/staged.ts";
import { isServerError, ServerError, toServerError } from "../domain/error.ts";
import { assert } from "../std/assert.ts";
import { noSession } from "./call-refusals.ts";
import type { Clock } from "./ports.ts";
import { encodeReply } from "./reply-codec.ts";
import { type Sealer, type Seed, type SeedMaker, seedsOf } from "./sealer.ts";
import type { Slot, StepSlot } from "./slot.ts";

/** A batch goes as soon as one of these is reached; the rest waits for the next. */
const MAX_BATCH_ACTORS = 512;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** What the committer tells of each batch. */
export interface CommitObserver {
  committed(actors: number, turns: number, ms: number): void;
  failed(outcome: CommitOutcome["kind"], actors: number, store: string): void;
}

export interface CommitterOptions {
  /** What the store is called. */
  readonly name: string;
  readonly store: Statestore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** The session under which to commit; `undefined` while there is none. */
  readonly session: () => number | undefined;
  readonly observer: CommitObserver;
}

interface Lane {
  queue: Slot[];
  busy: boolean;
  scheduled: boolean;
}

/**
 * Group commit: the staged turns of many actors go to the store in one transaction. A lane has one
 * batch under way; the next goes when it has returned, so nothing waits for a timer. An actor hashes
 * to one lane, which keeps its commits in order.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #step: StepSlot;
  readonly #lanes: readonly Lane[];
  readonly #seeds: SeedMaker | undefined;
  #underWay = 0;
  #idle: (() => void)[] = [];

  constructor(options: CommitterOptions, step: StepSlot) {
    this.#options = options;
    this.#step = step;
    this.#seeds = seedsOf(options.store, options.sealer);
    const lanes = Math.max(1, options.store.lanes);
    this.#lanes = Array.from({ length: lanes }, () => ({
      queue: [],
      busy: false,
      scheduled: false,
    }));
  }

  /** There is something to commit in `slot`. It goes with the next batch of its lane. */
  stage(slot: Slot): void {
    if (slot.staged) return;
    const lane = this.#lanes[laneOf(slot.path, this.#lanes.length)];
    assert(lane !== undefined, "every actor has a lane");
    slot.staged = true;
    lane.queue.push(slot);
    if (lane.busy || lane.scheduled) return;
    lane.scheduled = true;
    this.#options.clock.defer(() => {
      lane.scheduled = false;
      this.#flush(lane);
    });
  }

  /** Resolves when nothing is staged or under way. */
  async drained(): Promise<void> {
    while (this.#underWay > 0 || this.#lanes.some((lane) => lane.queue.length > 0)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #flush(lane: Lane): void {
    if (lane.busy || lane.queue.length === 0) return;
    const slots: Slot[] = [];
    const commits: ActorCommit[] = [];
    const turns = this.#collect(lane, slots, commits);
    if (slots.length === 0) return this.#settled();
    const sessionId = this.#options.session();
    if (sessionId === undefined) {
      const error = noSession("not_applied");
      for (const slot of slots) this.#step(slot, settle({ kind: "failed", error }));
      return this.#settled();
    }
    lane.busy = true;
    this.#underWay += 1;
    const begun = this.#options.clock.now();
    this.#options.store
      .commit({ sessionId, commits })
      .then(
        (results) => this.#answered(slots, results, turns, begun),
        (error: unknown) => this.#rejected(slots, error),
      )
      .finally(() => {
        lane.busy = false;
        this.#underWay -= 1;
        this.#flush(lane);
        this.#settled();
      });
  }

  #collect(lane: Lane, slots: Slot[], commits: ActorCommit[]): number {
    const { queue } = lane;
    let bytes = 0;
    let turns = 0;
    let taken = 0;
    while (taken < queue.length && slots.length < MAX_BATCH_ACTORS && bytes < MAX_BATCH_BYTES) {
      const slot = queue[taken] as Slot;
      taken += 1;
      slot.staged = false;
      const staged = slot.activation.take();
      if (staged === undefined) continue;
      const commit = this.#sealed(slot, staged);
      if (commit === undefined) continue;
      slots.push(slot);
      commits.push(commit);
      turns += staged.turns;
      bytes += commit.change.kind === "set" ? commit.change.state.data.length : 0;
    }
    lane.queue = taken === queue.length ? [] : queue.slice(taken);
    return turns;
  }

  #answered(
    slots: readonly Slot[],
    results: readonly CommitResult[],
    turns: number,
    begun: number,
  ): void {
    const { observer, clock, name } = this.#options;
    observer.committed(slots.length, turns, clock.now() - begun);
    for (let i = 0; i < slots.length; i += 1) {
      const result = results[i];
      if (result !== undefined && result !== "committed") observer.failed(result, 1, name);
      const slot = slots[i] as Slot;
      if (result === "committed") slot.seed = slot.stagedSeed;
      // A store that answers too little has broken its contract: the fate of the rest is unknown.
      const outcome: CommitOutcome =
        result === undefined ? { kind: "unknown", error: noAnswer() } : { kind: result };
      this.#step(slot, settle(outcome));
    }
  }

  #rejected(slots: readonly Slot[], cause: unknown): void {
    const error = isServerError(cause) ? cause : noAnswer(cause);
    const kind = error.outcome === "unknown" ? "unknown" : "failed";
    this.#options.observer.failed(kind, slots.length, this.#options.name);
    for (const slot of slots) this.#step(slot, settle({ kind, error }));
  }

  #settled(): void {
    if (this.#underWay > 0 || this.#lanes.some((lane) => lane.queue.length > 0)) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** A state that cannot be sealed fails its own actor, not the batch. */
  #sealed(slot: Slot, staged: StagedCommit): ActorCommit | undefined {
    try {
      return this.#seal(slot, staged);
    } catch (error) {
      this.#step(slot, settle({ kind: "failed", error: toServerError(error, "not_applied") }));
      return undefined;
    }
  }

  /** The seed to seal a commit with: the actor's own, or a new one with the first that seals anything. */
  #seedFor(
    { seed }: Slot,
    staged: StagedCommit,
  ): { readonly seed?: Seed | undefined; readonly wrapped?: Uint8Array } {
    if (seed !== undefined && !staged.shred) return { seed };
    return (isSealed(staged) && this.#seeds?.make(staged.actor)) || {};
  }

  #seal(slot: Slot, staged: StagedCommit): ActorCommit {
    const { sealer } = this.#options;
    const { actor, revision, state, tags, sameTags, shred } = staged;
    const { seed, wrapped } = this.#seedFor(slot, staged);
    slot.stagedSeed = seed;
    const sealState = (
      payload: NonNullable<typeof state>,
      at: number,
      purpose: "state" | "history",
    ) => ({
      type: payload.type,
      data: sealer.seal(purpose, actor, at, payload.type, payload.data, seed),
    });
    return {
      actor,
      handle: staged.handle,
      epoch: staged.epoch,
      baseRevision: staged.baseRevision,
      revision,
      change:
        staged.change === "set" && state !== undefined
          ? { kind: "set", state: sealState(state, revision, "state"), tags, sameTags }
          : { kind: staged.change === "remove" ? "remove" : "keep" },
      ...(shred && { shred }),
      ...(wrapped !== undefined && { seed: wrapped }),
      dedup: staged.replies.map((recorded): DedupRecord => {
        const { requestId, digest, revision: at, reply } = recorded;
        // Of a turn before the one that shredded, only that its id was used.
        if (reply === undefined)
          return { requestId, revision: at, digest: NOTHING, reply: NOTHING };
        const plain = encodeReply(reply);
        const sealed = sealer.seal("dedup", actor, at, requestId, plain, seed);
        return { requestId, digest, revision: at, reply: sealed };
      }),
      outbox: [],
      schedules: [],
      history: staged.history.map((entry) => ({
        revision: entry.revision,
        tags: entry.tags,
        action: entry.action,
        state:
          entry.state === undefined ? undefined : sealState(entry.state, entry.revision, "history"),
      })),
      historyPolicy: staged.historyPolicy,
    };
  }
}

/** Nothing at all is sealed in a commit of a tombstone or of recorded ids alone. */
function isSealed({ state, replies, history, change }: StagedCommit): boolean {
  return (
    (change === "set" && state !== undefined) ||
    replies.some(({ reply }) => reply !== undefined) ||
    history.some((past) => past.state !== undefined)
  );
}

function settle(outcome: CommitOutcome): { kind: "settled"; outcome: CommitOutcome } {
  return { kind: "settled", outcome };
}

function laneOf(path: string, lanes: number): number {
  if (lanes === 1) return 0;
  let hash = 0;
  for (let i = 0; i < path.length; i += 1) hash = (Math.imul(hash, 31) + path.charCodeAt(i)) | 0;
  return (hash >>> 0) % lanes;
}

function noAnswer(cause?: unknown): ServerError {
  return new ServerError(
    "state.unavailable",
    "the statestore did not say whether the commit was applied",
    "unknown",
    { reason: "STORE_UNAVAILABLE", ...(cause === undefined ? {} : { cause }) },
  );
}
