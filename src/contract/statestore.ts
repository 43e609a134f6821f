import type { ActorId, ActorTypeSpec, HistoryPolicy } from "../domain/actor.ts";
import type { StringMap } from "../domain/invocation.ts";
import type { Component } from "./component.ts";
import type { PluginHost } from "./host.ts";
import type {
  History,
  Migrations,
  Outbox,
  Portability,
  Resealing,
  Schedules,
  Search,
  Seeds,
} from "./statestore-powers.ts";

/** What a statestore is handed. */
export interface StatestoreHost extends PluginHost {
  /** Identity of the cluster; written with the first migration and compared at each start. */
  readonly cluster: string;
  /** The operator accepted a database that may lose acknowledged commits. */
  readonly acceptUnsafeDurability: boolean;
  /** Several processes share this store, so ownership is read back before reads are answered. */
  readonly shared: boolean;
  /** Longest time for one statement. */
  readonly queryTimeoutMs: number;
  /** Most tries of a transaction that the database asks to repeat. */
  readonly transactionTries: number;
}

/** Opens a session: one row per process with a lease on the store's own clock. */
export interface SessionRequest {
  readonly nodeName: string;
  /** Random per process, hexadecimal. */
  readonly bootId: string;
  /** Where peers reach the process, or "" if it has no peers. */
  readonly address: string;
  readonly ttlMs: number;
}

/** One process's lease row. `id` only grows, and is the generation of membership. */
export interface SessionRow {
  readonly id: number;
  readonly nodeName: string;
  readonly bootId: string;
  readonly address: string;
  readonly state: "up" | "fenced" | "closed";
  /** Milliseconds until the lease ends by the store's clock; negative once it has. */
  readonly remainingMs: number;
}

/** Sessions by the store's clock only; a node's wall clock never takes part (guarantee G19). */
export interface Sessions {
  /** Fences an older row of the same node name and inserts a new one, in one transaction. */
  open(request: SessionRequest): Promise<SessionRow>;
  /** Extends the lease. `fenced`: the row is no longer up, and the process must drop its activations. */
  renew(sessionId: number, ttlMs: number): Promise<"renewed" | "fenced">;
  /** Marks the session closed and leaves its actors to whoever claims them. Idempotent. */
  close(sessionId: number): Promise<void>;
  /**
   * Fences another session: if its lease has ended, or at once when `evict` is set. True if it is no
   * longer up afterwards.
   */
  fence(sessionId: number, evict: boolean): Promise<boolean>;
  list(): Promise<readonly SessionRow[]>;
}

/** Asks for actors. Each claim that succeeds raises the actor's epoch by one. */
export interface ClaimRequest {
  readonly sessionId: number;
  readonly actors: readonly ActorId[];
  /** How many recorded request ids an answer may list per actor. */
  readonly maxRequestIds: number;
}

/** State as it lies in the store: `data` is opaque (sealed) bytes. */
export interface StoredState {
  readonly data: Uint8Array;
  /** Payload type of the plain state. */
  readonly type: string;
}

/**
 * The answer for one actor. `claimed` without `state` is an actor that has none: never saved, or
 * deleted; a failure to read is a rejection, never an absence.
 * `owned`: a living session holds the actor. `damaged`: the row cannot be read; nothing was changed.
 */
export type ClaimResult =
  | {
      readonly kind: "claimed";
      /** The store's own row handle, given back with each commit; 0 if it keeps none. */
      readonly handle: number;
      readonly epoch: number;
      readonly revision: number;
      readonly state: StoredState | undefined;
      readonly tags: StringMap;
      /** Request ids recorded for the actor, or `undefined` if there are more than were asked for. */
      readonly requestIds: readonly string[] | undefined;
      /** False if the row was made by this claim. */
      readonly existed: boolean;
      /** Wrapped seed of the actor's own data key, if it has one. */
      readonly seed?: Uint8Array;
    }
  | {
      readonly kind: "owned";
      readonly sessionId: number;
      readonly nodeName: string;
      readonly address: string;
    }
  | { readonly kind: "damaged"; readonly reason: string };

/** The record that makes a repeated request id harmless. */
export interface DedupRecord {
  readonly requestId: string;
  /** Digest of the payload that came with the id; empty once the reply has been shredded. */
  readonly digest: Uint8Array;
  /** Revision of the actor after the turn. */
  readonly revision: number;
  /** Sealed reply; empty once it has been shredded, which says that the id was used and no more. */
  readonly reply: Uint8Array;
}

/** An invocation that leaves with the turn. Applied effectively once by its id. */
export interface OutboxMessage {
  /** `<epoch>.<revision>.<index>`: unique per source actor, and ordered by (revision, index). */
  readonly id: string;
  readonly revision: number;
  readonly index: number;
  readonly target: ActorId;
  readonly action: string;
  /** Sealed invocation. */
  readonly body: Uint8Array;
  /** Not before this many milliseconds after the commit, by the store's clock. */
  readonly delayMs: number;
}

/** Sets or removes one schedule of the actor, by its name. */
export type ScheduleChange =
  | {
      readonly kind: "set";
      readonly name: string;
      /** Absolute due time, milliseconds since 1970, compared with the store's clock. */
      readonly dueMs: number;
      /** Cron text, interval or nothing for one shot; the node computes the next due time. */
      readonly repeat: string;
      readonly action: string;
      /** Sealed payload, policy and principal. */
      readonly body: Uint8Array;
    }
  | { readonly kind: "cancel"; readonly name: string };

/** One committed state kept for time travel. */
export interface HistoryEntry {
  readonly revision: number;
  readonly state: StoredState | undefined;
  readonly tags: StringMap;
  readonly action: string;
}

/**
 * The turns of one actor since its last commit, as one compare-and-set: it changes the row only if
 * (owner session, epoch, revision = `baseRevision`) still hold, and moves it to `revision`.
 * With `revision === baseRevision` nothing of the state changes and only dedup rows are written,
 * under the same condition.
 */
export interface ActorCommit {
  readonly actor: ActorId;
  readonly handle: number;
  readonly epoch: number;
  readonly baseRevision: number;
  readonly revision: number;
  /** `keep`: state and tags stay. `remove`: a tombstone that keeps epoch and revision. */
  readonly change:
    | { readonly kind: "keep" }
    | {
        readonly kind: "set";
        readonly state: StoredState;
        readonly tags: StringMap;
        /** Set only if the tags are those of `baseRevision`: an index of tags may be left alone. */
        readonly sameTags?: boolean;
      }
    | { readonly kind: "remove" };
  /**
   * Drops what the actor has had until now, before anything else of this commit is written: its
   * seed, past states, messages that have not been delivered (dead letters too) and schedules; of
   * recorded replies stay request id and revision, and digest and reply become empty. Only in a
   * commit that takes a revision and has `set` or `remove`, and only if the store has `seeds`.
   */
  readonly shred?: boolean;
  /** Wrapped seed to keep with the actor, in place of any other; absent to leave it as it is. */
  readonly seed?: Uint8Array;
  readonly dedup: readonly DedupRecord[];
  readonly outbox: readonly OutboxMessage[];
  readonly schedules: readonly ScheduleChange[];
  readonly history: readonly HistoryEntry[];
  /**
   * How much history stays. A commit that adds past states drops what `last` no longer keeps; the
   * rest, and what idle actors no longer keep, goes with `History.prune` at the latest.
   */
  readonly historyPolicy: HistoryPolicy;
}

/** Many actors' commits in one transaction. A row that loses its compare-and-set fails alone. */
export interface CommitBatch {
  readonly sessionId: number;
  /** At most one entry per actor. */
  readonly commits: readonly ActorCommit[];
}

/**
 * `committed`: durable. `fenced`: the owner session or the epoch is no longer ours. `conflict`: epoch
 * ours, revision not. Both of these changed nothing.
 */
export type CommitResult = "committed" | "fenced" | "conflict";

/** Registered actor types, so that after a restart a known type without a host is not unknown. */
export interface TypeRegistry {
  put(types: readonly ActorTypeSpec[]): Promise<void>;
  list(): Promise<readonly ActorTypeSpec[]>;
}

/** Small named values of the node: key checks, cluster version. */
export interface MetaTable {
  get(name: string): Promise<Uint8Array | undefined>;
  /** Writes only if absent; answers what is there afterwards. */
  putIfAbsent(name: string, value: Uint8Array): Promise<Uint8Array>;
  put(name: string, value: Uint8Array): Promise<void>;
}

/**
 * Where state lives. Every method rejects with `state.unavailable` when the store cannot be reached
 * (outcome `unknown` for a commit that may have been applied, else `not_applied`), and with
 * `state.corrupt` for rows that cannot be read. Absence is only ever said of rows known to be absent.
 * Methods may be called concurrently after `start`.
 */
export interface Statestore extends Component {
  /** `process`: lost with the process. `durable`: survives kill and power loss. */
  readonly durability: "process" | "durable";
  /** True if this process alone can hold the store, so that no fence read is needed. */
  readonly exclusive: boolean;
  /** How many commits may be under way at once. */
  readonly lanes: number;
  /** Name and version of the engine behind it, for `troupe plugins` and the boot log. */
  describe(): Promise<string>;
  readonly sessions: Sessions;
  readonly types: TypeRegistry;
  readonly meta: MetaTable;
  /** Answers in the order asked. One transaction for all; `owned` and `damaged` actors are untouched. */
  claim(request: ClaimRequest): Promise<readonly ClaimResult[]>;
  /** Fence read: the epochs in force, in the order asked; `undefined` for an actor without a row. */
  epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]>;
  /** The recorded reply for a request id, or `undefined` if none is recorded within the window. */
  dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined>;
  /**
   * All rows of a batch in one transaction: first every compare-and-set, then the inserts of the
   * winners. Answers in order. A rejection with outcome `unknown` may have been applied whole.
   */
  commit(batch: CommitBatch): Promise<readonly CommitResult[]>;
  /** Lets go of actors whose (session, epoch) still hold. The epoch is never reset. */
  release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void>;
  /** Reads a committed state without claiming; `undefined` if the actor has no row. */
  read(actor: ActorId): Promise<ReadResult | undefined>;
  /** Deletes dedup rows beyond the window (older than `ageMs` and beyond the newest `keep`). */
  prune(ageMs: number, keep: number, limit: number): Promise<number>;
  readonly search?: Search;
  readonly history?: History;
  readonly outbox?: Outbox;
  readonly schedules?: Schedules;
  readonly resealing?: Resealing;
  readonly seeds?: Seeds;
  readonly portability?: Portability;
  readonly migrations?: Migrations;
}

/** A committed state with its position. */
export interface ReadResult {
  readonly epoch: number;
  readonly revision: number;
  readonly state: StoredState | undefined;
  readonly tags: StringMap;
  /** Wrapped seed of the actor's own data key, if it has one. */
  readonly seed?: Uint8Array;
}
