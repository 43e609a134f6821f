import type { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import type { CommitBatch, CommitResult } from "../../src/contract/index.ts";
import { type Outcome, ServerError } from "../../src/domain/error.ts";

/** What becomes of the next commits: applied although nobody says so, or lost on their way. */
export type CommitFate = "answer lost" | "lost";

/** The questions that go over the line, besides commits. */
const QUESTIONS = ["claim", "epochs", "dedup", "release", "read"] as const;
const SESSION_QUESTIONS = ["open", "renew", "close", "fence", "list"] as const;

/**
 * The line between a node and a memory store: a test cuts it, or loses an answer. What the store holds
 * is always right.
 */
export class StoreLine {
  readonly #store: MemoryStatestore;
  readonly #fates: CommitFate[] = [];
  #cut: ServerError | undefined;
  /** Told of each commit before it goes. */
  onCommit: (batch: CommitBatch) => void = () => undefined;

  constructor(store: MemoryStatestore) {
    this.#store = store;
    const commit = store.commit.bind(store);
    store.commit = (batch) => this.#commit(batch, commit);
    for (const name of QUESTIONS) this.#intercept(store, name);
    for (const name of SESSION_QUESTIONS) this.#intercept(store.sessions, name);
  }

  get store(): MemoryStatestore {
    return this.#store;
  }

  /** Nothing arrives until `mend`; every question fails at once. */
  cut(reason?: string): void {
    this.#cut = away("not_applied", reason);
  }

  mend(): void {
    this.#cut = undefined;
  }

  /** Decides about the commits to come, one after the other. */
  lose(...fates: readonly CommitFate[]): void {
    this.#fates.push(...fates);
  }

  async #commit(
    batch: CommitBatch,
    commit: (batch: CommitBatch) => Promise<readonly CommitResult[]>,
  ): Promise<readonly CommitResult[]> {
    this.onCommit(batch);
    if (this.#cut !== undefined) throw this.#cut;
    const fate = this.#fates.shift();
    if (fate === undefined) return await commit(batch);
    if (fate === "answer lost") await commit(batch);
    throw away("unknown");
  }

  #intercept<T extends object>(target: T, name: keyof T): void {
    const real = target[name] as (...args: unknown[]) => Promise<unknown>;
    const line = async (...args: readonly unknown[]): Promise<unknown> => {
      if (this.#cut !== undefined) throw this.#cut;
      return await real.apply(target, [...args]);
    };
    Object.assign(target, { [name]: line });
  }
}

function away(outcome: Outcome, reason?: string): ServerError {
  const details = reason === undefined ? {} : { reason, retryAfterMs: 1_000 };
  return new ServerError("state.unavailable", "the store did not answer", outcome, details);
}
