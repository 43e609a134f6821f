import type { SqlValue } from "./sql-client.ts";

/** A row of values in the order of the columns that its list names. */
export type SqlTuple = readonly SqlValue[];

/**
 * The columns of each list of an encoded batch. The first is always the actor's identity: rows of
 * any list but `actors` are for those actors alone whose compare-and-set was won.
 */
export const BATCH_COLUMNS = {
  /**
   * The compare-and-sets. `writes` is 1 if `tags`, `state_type` and `state` take the place of what is
   * there (NULL state: a removal), else 0 and those three are NULL. A row whose `revision` is its
   * `base_revision` changes nothing but `commits`, not even `updated_ms`.
   */
  actors: ["actor", "epoch", "base_revision", "revision", "writes", "tags", "state_type", "state"],
  /** A row that is there already stays as it is. `committed_ms` is the server's clock. */
  dedup: ["actor", "request_id", "revision", "digest", "reply"],
  /**
   * Actors that are shredded: before anything of any other list is written, their messages (dead
   * letters too) and schedules go, and digest and reply of their recorded replies become empty bytes.
   * Such an actor is in `forgotten` with 0 and, unless it has a new seed, in `unseeded`.
   */
  shredded: ["actor"],
  /** Actors whose rows in `actor_tags` go before those of `tags` come. */
  untagged: ["actor"],
  tags: ["actor", "tag", "actor_type", "actor_key"],
  /** `due_ms` and `ready_ms` are the server's clock and `delay_ms`; `attempts` 0. In order of sending. */
  outbox: [
    "actor",
    "target",
    "target_system",
    "target_type",
    "target_key",
    "message_id",
    "revision",
    "place",
    "action",
    "delay_ms",
    "body",
  ],
  /** Schedules that go, those that are set again among them, before those of `schedules` come. */
  unscheduled: ["actor", "name"],
  /** `held_until_ms` is 0. */
  schedules: ["actor", "name", "due_ms", "action", "repetition", "body"],
  /**
   * Past states that go before those of `history` come: all but the `keep` newest of those that are
   * there before the commit.
   */
  forgotten: ["actor", "keep"],
  /** `committed_ms` is the server's clock. A revision that is there already is replaced. */
  history: ["actor", "revision", "action", "tags", "state_type", "state"],
  /** Actors whose seed goes. */
  unseeded: ["actor"],
  /** A seed that is there already is replaced. */
  seeds: ["actor", "wrapped"],
} as const;

/** The lists of a batch besides the two that most batches consist of. */
export type EffectList = Exclude<keyof typeof BATCH_COLUMNS, "actors" | "dedup">;

/** Everything else that a commit may write. No list has two rows that concern the same row. */
export type EncodedEffects = Readonly<Record<EffectList, readonly SqlTuple[]>>;

/**
 * A batch as columns, ready to be bound. Every list is ordered by identity, so that batches which
 * meet take their locks in one order.
 */
export interface EncodedBatch {
  readonly sessionId: number;
  /** At least one row, no identity twice. */
  readonly actors: readonly SqlTuple[];
  readonly dedup: readonly SqlTuple[];
  /** `undefined` if no commit of the batch writes any of it, which is the usual case. */
  readonly effects: EncodedEffects | undefined;
}
