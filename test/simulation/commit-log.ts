import type {
  ActorCommit,
  ActorId,
  ClaimResult,
  CommitResult,
  DedupRecord,
} from "../../src/contract/index.ts";
import { actorPath } from "../../src/domain/actor.ts";
import type { Marks } from "./marks.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Violation } from "./violation.ts";

interface Doubtful {
  readonly session: number;
  readonly epoch: number;
  readonly baseRevision: number;
  readonly revision: number;
}

interface Chain {
  /** The epoch of the newest grant, and who got it. */
  epoch: number;
  session: number;
  revision: number;
  /** The newest revision that was ever taken, also where it was lost since. */
  highest: number;
  committedEpoch: number;
  /** The store has gone back: what it shows next is believed. */
  unsure: boolean;
  /** The commit whose sender was not told what became of it. */
  doubtful: Doubtful | undefined;
  /** The seed that the store must give back, and whether an earlier one is gone. */
  seed: Uint8Array | undefined;
  shredded: boolean;
  /** The first revision whose past state is there still, where past states are kept. */
  keptFrom: number;
  /** Request id to the session whose commit recorded it first. */
  readonly recorded: Map<string, number>;
  /** Request ids whose replies must be gone. */
  readonly blank: Set<string>;
}

/**
 * What the store granted and took, watched at the store itself: epochs grow with each grant, nothing
 * of an older grant is taken, and every revision is taken once, without gaps.
 */
export class CommitLog {
  readonly violations: Violation[] = [];
  readonly #chains = new Map<string, Chain>();
  readonly #scheduler: Scheduler;
  readonly #marks: Marks;

  constructor(scheduler: Scheduler, marks: Marks) {
    this.#scheduler = scheduler;
    this.#marks = marks;
  }

  /** The newest revision that the store has taken. */
  revision(actor: ActorId): number {
    return this.#chain(actor).highest;
  }

  /** A replica that lagged has taken over: it may have lost anything. */
  failedOver(): void {
    for (const chain of this.#chains.values()) chain.unsure = true;
  }

  /** A store was asked for an actor of a system that lives in another. */
  misplaced(actor: ActorId, store: string): void {
    this.#wrong(actor, `the store ${store} was asked for it`);
  }

  /** From which revision on past states are kept: from the newest shredding. */
  keptFrom(actor: ActorId): number {
    return this.#chain(actor).keptFrom;
  }

  /** The session whose commit recorded the request id. */
  recordedBy(actor: ActorId, requestId: string): number | undefined {
    return this.#chain(actor).recorded.get(requestId);
  }

  claimed(actor: ActorId, sessionId: number, result: ClaimResult): void {
    if (result.kind !== "claimed") return;
    const chain = this.#chain(actor);
    const { epoch, revision } = result;
    this.#scheduler.note(`store ${actor.key} epoch ${epoch} to s${sessionId} at r${revision}`);
    if (chain.unsure) {
      this.#believe(chain, revision);
      chain.seed = result.seed;
      chain.unsure = false;
    } else if (epoch <= chain.epoch)
      this.#wrong(actor, `epoch ${epoch} granted after ${chain.epoch}`);
    if (revision !== chain.revision) {
      this.#wrong(actor, `claimed at revision ${revision}, committed is ${chain.revision}`);
    }
    if (chain.session !== 0 && chain.session !== sessionId) this.#marks.hit("taken over");
    if (String(result.seed) !== String(chain.seed)) {
      this.#wrong(actor, `claimed with seed ${result.seed}, committed is ${chain.seed}`);
    }
    this.#resolved(chain, epoch, sessionId, revision);
    chain.epoch = epoch;
    chain.session = sessionId;
  }

  #believe(chain: Chain, revision: number): void {
    chain.revision = revision;
    chain.committedEpoch = 0;
    chain.doubtful = undefined;
    chain.blank.clear();
  }

  /** The sender of a commit will have no answer. */
  doubted(commit: ActorCommit, session: number): void {
    const { actor, epoch, baseRevision, revision } = commit;
    if (revision === baseRevision) return;
    this.#chain(actor).doubtful = { session, epoch, baseRevision, revision };
  }

  #resolved(chain: Chain, epoch: number, sessionId: number, revision: number): void {
    const { doubtful } = chain;
    if (doubtful === undefined) return;
    chain.doubtful = undefined;
    const alone = doubtful.session === sessionId && doubtful.epoch === epoch - 1;
    if (!alone) this.#marks.hit("unknown stayed unknown");
    else if (revision === doubtful.revision) this.#marks.hit("unknown resolved as applied");
    else if (revision === doubtful.baseRevision) {
      this.#marks.hit("unknown resolved as not applied");
    }
  }

  committed(commit: ActorCommit, sessionId: number, result: CommitResult): void {
    const { actor, epoch, baseRevision, revision } = commit;
    const chain = this.#chain(actor);
    this.#scheduler.note(
      `store ${actor.key} e${epoch} r${baseRevision}..${revision} by s${sessionId}: ${result}`,
    );
    if (result !== "committed") return;
    if (chain.unsure) {
      // The owner of before may go on where nothing was lost.
      this.#believe(chain, baseRevision);
      chain.epoch = epoch;
      chain.session = sessionId;
    }
    if (epoch !== chain.epoch || sessionId !== chain.session) {
      this.#wrong(actor, `epoch ${epoch} of s${sessionId} written after a grant of ${chain.epoch}`);
    }
    if (epoch < chain.committedEpoch)
      this.#wrong(actor, `epoch ${epoch} written after a later one`);
    if (baseRevision !== chain.revision || revision < baseRevision) {
      const range = `${baseRevision}..${revision}`;
      this.#wrong(actor, `revisions ${range} written on top of ${chain.revision}`);
    }
    chain.committedEpoch = epoch;
    chain.revision = revision;
    if (commit.shred === true) this.#shredded(chain, commit);
    chain.seed = commit.seed ?? chain.seed;
    if (chain.shredded && commit.change.kind === "set") {
      chain.shredded = false;
      this.#marks.hit("shredded actor lives again");
    }
    chain.highest = Math.max(chain.highest, revision);
    for (const { requestId } of commit.dedup) {
      if (!chain.recorded.has(requestId)) chain.recorded.set(requestId, sessionId);
    }
  }

  #shredded(chain: Chain, { actor, revision, history, dedup }: ActorCommit): void {
    const from = history[0]?.revision;
    chain.seed = undefined;
    chain.shredded = true;
    chain.keptFrom = from ?? revision + 1;
    for (const id of chain.recorded.keys()) chain.blank.add(id);
    for (const { requestId, revision: at, reply } of dedup) {
      if (from === undefined || at >= from || reply.length === 0) continue;
      this.#wrong(actor, `the reply to ${requestId} of r${at} outlived its shredding at r${from}`);
    }
  }

  /** The store was asked for a recorded reply. */
  found(actor: ActorId, record: DedupRecord | undefined): void {
    if (record === undefined) return;
    const { requestId, reply } = record;
    if (!this.#chain(actor).blank.has(requestId) || reply.length === 0) return;
    this.#wrong(actor, `the reply to ${requestId} is there although it was shredded`);
  }

  #chain(actor: ActorId): Chain {
    const path = actorPath(actor);
    let chain = this.#chains.get(path);
    if (chain === undefined) {
      chain = {
        epoch: 0,
        session: 0,
        revision: 0,
        highest: 0,
        committedEpoch: 0,
        unsure: false,
        doubtful: undefined,
        seed: undefined,
        shredded: false,
        keptFrom: 1,
        recorded: new Map(),
        blank: new Set(),
      };
      this.#chains.set(path, chain);
    }
    return chain;
  }

  #wrong(actor: ActorId, message: string): void {
    this.violations.push({ checker: "commit-log", message: `${actorPath(actor)}: ${message}` });
  }
}
