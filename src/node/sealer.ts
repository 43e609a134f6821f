import type { Seeds } from "../contract/index.ts";
import type { ActorId } from "../domain/actor.ts";

/** What sealed bytes are for. Bytes sealed for one purpose never open as another's. */
export type SealPurpose =
  | "state"
  | "history"
  | "dedup"
  | "outbox"
  | "schedule"
  | "seed"
  | "key_check";

/** `active` seals and opens, `decrypt` opens only, `retired` is known and refused. */
export type KeyState = "active" | "decrypt" | "retired";

/** One configured key, without its secret. */
export interface KeyFact {
  /** Eight bytes, as envelopes have them. */
  readonly id: Uint8Array;
  readonly name: string;
  readonly state: KeyState;
}

/** Proves that a key of the ring is the one that a store was written with. */
export interface KeyCheck {
  readonly keyId: Uint8Array;
  /** A sealed constant to keep in the store. */
  seal(): Uint8Array;
  /** True if `sealed` was made by `seal` under the same key, for the same cluster. */
  opens(sealed: Uint8Array): boolean;
}

/**
 * The seed of one actor, opened: without it nothing opens that was sealed with it. What it holds is
 * the sealer's alone and is never logged; it lives as long as an activation, or as a read.
 */
export interface Seed {
  readonly kind: "seed";
}

/** Makes and opens seeds. */
export interface SeedMaker {
  /** A new random seed, and how it lies in the store: sealed by the active key for this actor. */
  make(actor: ActorId): { readonly seed: Seed; readonly wrapped: Uint8Array };
  /** Throws `ServerError` `state.corrupt` as `Sealer.open` does. */
  open(actor: ActorId, wrapped: Uint8Array): Seed;
}

/**
 * Seals what goes into a statestore and opens what comes out. Both bind the bytes to their place:
 * purpose, cluster, actor, revision and label (payload type of a state; request id, message id or
 * schedule name of the others; schedules and seeds have revision 0). What is sealed with a seed opens
 * with the same seed alone; what was sealed without one opens with any and with none. Synchronous and
 * free of state, so it may be called from anywhere at any time.
 */
export interface Sealer {
  /** Eight bytes that name the key of new envelopes; all zero without encryption. */
  readonly activeKeyId: Uint8Array;
  /** Every configured key; none or absent without encryption. */
  readonly keys?: readonly KeyFact[];
  /** One for each key that may open; none or absent without encryption. */
  readonly checks?: readonly KeyCheck[];
  /** Absent without encryption. */
  readonly seeds?: SeedMaker;
  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
    seed?: Seed,
  ): Uint8Array;
  /**
   * Throws `ServerError` `state.corrupt` if the bytes were not sealed for this place, with the
   * reason in its details; the row that they came from must be left as it is.
   */
  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
    seed?: Seed,
  ): Uint8Array;
}

/** Who makes the seeds of actors in `store`; `undefined` where they have none, and none can be shredded. */
export function seedsOf(store: { readonly seeds?: Seeds }, sealer: Sealer): SeedMaker | undefined {
  return store.seeds === undefined ? undefined : sealer.seeds;
}
