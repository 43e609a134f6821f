import type { ActorId, ActorTypeSpec, HistoryPolicy } from "../domain/actor.ts";
import type { StringMap } from "../domain/invocation.ts";
import type { DedupRecord, HistoryEntry, OutboxMessage, StoredState } from "./statestore.ts";

/*
 * What a statestore may offer besides its work: optional objects, whose presence is the capability.
 */

/** A row of `search.list`, without its state. */
export interface ActorSummary {
  readonly actor: ActorId;
  readonly revision: number;
  readonly epoch: number;
  readonly tags: StringMap;
  readonly hasState: boolean;
  readonly updatedMs: number;
}

/** Finds actors. Results are ordered by (type, key) and paged by the last one seen. */
export interface Search {
  list(query: {
    readonly system: string;
    readonly type?: string;
    readonly keyPrefix?: string;
    /** All of these must be present with these values. */
    readonly tags?: StringMap;
    readonly after?: { readonly type: string; readonly key: string };
    readonly limit: number;
  }): Promise<readonly ActorSummary[]>;
}

/** Past states. */
export interface History {
  byRevision(actor: ActorId, revision: number): Promise<HistoryRow | undefined>;
  /** Newest first. */
  list(
    actor: ActorId,
    range: {
      readonly fromRevision?: number;
      readonly toRevision?: number;
      readonly fromMs?: number;
      readonly toMs?: number;
      readonly limit: number;
    },
  ): Promise<readonly HistoryRow[]>;
  /**
   * Drops what `policy` no longer keeps of the actors of one type, at most `limit` rows; answers how
   * many. Called in the background, by every node, so it must bear company.
   */
  prune(of: {
    readonly system: string;
    readonly type: string;
    readonly policy: HistoryPolicy;
    readonly limit: number;
  }): Promise<number>;
}

/**
 * Seeds of actors' own data keys, in a table of their own: without its seed nothing of an actor opens.
 * A store that has this power takes `seed` and `shred` of a commit, and brings the seed with `claim`
 * and `read`; to one that has not, neither is ever given.
 */
export interface Seeds {
  /** Wrapped seeds in the order asked; `undefined` for an actor that has none. */
  find(actors: readonly ActorId[]): Promise<readonly (Uint8Array | undefined)[]>;
}

/** One past state with the time of its commit by the store's clock. */
export interface HistoryRow extends HistoryEntry {
  readonly committedMs: number;
}

/** A message that is due, as the pump takes it. */
export interface OutboxRow extends OutboxMessage {
  readonly rowId: number;
  readonly source: ActorId;
  readonly attempts: number;
}

/** Deliveries after the commit. Any node may take over a dead node's rows. */
export interface Outbox {
  /** Claims due rows for `holdMs`, skipping rows that another process holds; in order per (source, target). */
  due(sessionId: number, limit: number, holdMs: number): Promise<readonly OutboxRow[]>;
  ack(rowIds: readonly number[]): Promise<void>;
  retry(rowId: number, delayMs: number, reason: string): Promise<void>;
  deadLetter(rowId: number, reason: string): Promise<void>;
  deadLetters(limit: number): Promise<readonly (OutboxRow & { readonly reason: string })[]>;
}

/** A schedule that is due. */
export interface ScheduleRow {
  readonly rowId: number;
  readonly actor: ActorId;
  readonly name: string;
  readonly dueMs: number;
  readonly repeat: string;
  readonly action: string;
  readonly body: Uint8Array;
}

/** Durable timers. */
export interface Schedules {
  due(sessionId: number, limit: number, holdMs: number): Promise<readonly ScheduleRow[]>;
  /** Moves to `nextDueMs`, or removes when `undefined`; false if the row has changed meanwhile. */
  ack(rowId: number, seenDueMs: number, nextDueMs: number | undefined): Promise<boolean>;
  list(actor: ActorId): Promise<readonly ScheduleRow[]>;
}

/**
 * A row's sealed bytes for re-encryption; written back by compare-and-set. Sealed bytes are an
 * envelope: version (one byte, 1), algorithm (one byte, 1 without a seed and 2 with one), key id
 * (eight bytes), and what only the server reads. Seeds are sealed rows too. Empty bytes, which is
 * what is left of a reply that was shredded, are none.
 */
export interface Resealing {
  /**
   * Rows that are not as they should be, at most `limit`: those that are no envelope of version 1,
   * those under another key than `keyId`, and those of algorithm 1 whose actor has a seed (but not
   * seeds themselves). Repeated calls come to every such row, also past ones that stay as they are.
   */
  pending(keyId: Uint8Array, limit: number): Promise<readonly SealedRow[]>;
  /** Replaces the bytes if they are still `before`; false if the row has changed. */
  replace(row: SealedRow, sealed: Uint8Array): Promise<boolean>;
  /**
   * How many rows each key has, by hexadecimal key id; "" has those that are no envelope. Looks at
   * every row, though not in one go: commits must get their turn meanwhile.
   */
  countByKey(): Promise<ReadonlyMap<string, number>>;
}

/** Where sealed bytes lie, with all that their additional data binds. */
export interface SealedRow {
  readonly purpose: "state" | "history" | "dedup" | "outbox" | "schedule" | "seed";
  readonly rowId: number;
  readonly actor: ActorId;
  readonly revision: number;
  /** Payload type for states; request id, message id or schedule name for others; "" for seeds. */
  readonly label: string;
  readonly before: Uint8Array;
  /** Wrapped seed of the actor, if it has one; of a row of seeds, nothing. */
  readonly seed?: Uint8Array;
}

/**
 * One row as it lies in a store, sealed bytes and all, for moving it to another store and for
 * checking it. `owner` is `undefined` for a row whose actor has no row: an orphan.
 */
export type PortableRow =
  | { readonly kind: "type"; readonly spec: ActorTypeSpec }
  | { readonly kind: "meta"; readonly name: string; readonly value: Uint8Array }
  | {
      readonly kind: "actor";
      readonly actor: ActorId;
      readonly epoch: number;
      readonly revision: number;
      readonly state: StoredState | undefined;
      readonly tags: StringMap;
      readonly updatedMs: number;
    }
  | { readonly kind: "seed"; readonly owner: ActorId | undefined; readonly wrapped: Uint8Array }
  | { readonly kind: "history"; readonly owner: ActorId | undefined; readonly entry: HistoryRow }
  | {
      readonly kind: "dedup";
      readonly owner: ActorId | undefined;
      readonly record: DedupRecord;
      readonly committedMs: number;
    }
  | {
      readonly kind: "outbox";
      readonly owner: ActorId | undefined;
      readonly message: OutboxMessage;
      readonly dueMs: number;
      readonly attempts: number;
      /** Why it is a dead letter, or `undefined` if it is not. */
      readonly deadReason: string | undefined;
    }
  | {
      readonly kind: "schedule";
      readonly owner: ActorId | undefined;
      readonly name: string;
      readonly dueMs: number;
      readonly repeat: string;
      readonly action: string;
      readonly body: Uint8Array;
    }
  /** A row that cannot be read; `place` finds it for whoever looks into the database. */
  | {
      readonly kind: "damaged";
      readonly table: string;
      readonly place: string;
      readonly reason: string;
    };

/** Moves a whole store, without opening anything that is sealed. Sessions and owners stay behind. */
export interface Portability {
  /** About how many rows there are, for a progress bar. */
  count(): Promise<number>;
  /**
   * Rows after `position` in a stable order: types, named values, actors, then what belongs to them.
   * "" is the beginning; `next` is good for a later process too, and `undefined` at the end. A page
   * ends at about 4 MiB. The name of the cluster is none of the named values.
   */
  read(
    position: string,
    limit: number,
  ): Promise<{ readonly rows: readonly PortableRow[]; readonly next: string | undefined }>;
  /**
   * Writes rows in one transaction. A row that is there already is replaced, so that a page may be
   * repeated. Refuses rows of kind `damaged`, rows without an owner and rows whose owner has no row here
   * (`request.invalid`); nothing is written then.
   */
  write(rows: readonly PortableRow[]): Promise<void>;
}

/** One step of a schema. */
export interface SchemaStep {
  /** 1, 2, 3 … */
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Where a database stands. `have` is 0 for an empty one. */
export interface SchemaStatus {
  readonly have: number;
  readonly want: number;
  readonly pending: readonly SchemaStep[];
}

/**
 * The schema by command. Both are called before `start` or without it, and open and close a
 * connection of their own; they refuse what `start` refuses (a newer or a changed schema).
 */
export interface Migrations {
  /** Writes nothing. */
  plan(signal: AbortSignal): Promise<SchemaStatus>;
  /** Takes the pending steps under the database's lock, telling of each; answers those it took. */
  apply(signal: AbortSignal, taken?: (step: SchemaStep) => void): Promise<readonly SchemaStep[]>;
}
