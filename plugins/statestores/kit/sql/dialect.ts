import type { EncodedBatch } from "./commit-batch.ts";
import type { SqlTable, SqlTableName } from "./schema.ts";
import type {
  SqlClient,
  SqlLimits,
  SqlRow,
  SqlRunner,
  SqlStatement,
  SqlValue,
} from "./sql-client.ts";

/** One actor that is asked for, as bytes. */
export interface AskedActor {
  readonly identity: Uint8Array;
  readonly system: string;
  readonly type: string;
  /** The key as UTF-8. */
  readonly key: Uint8Array;
}

/** Actors to take for a session: between 1 and `MAX_PLACES`, ordered by identity, each once. */
export interface ClaimAsk {
  readonly sessionId: number;
  readonly actors: readonly AskedActor[];
  readonly maxRequestIds: number;
}

/**
 * The columns of a row that a claim has taken. `epoch` is the new one. `request_ids` is the text of
 * all recorded ids in hexadecimal with commas between them, "" if there are none, and NULL if there
 * are more than `maxRequestIds`. `wrapped` is the actor's seed or NULL.
 */
export const TAKEN_COLUMNS = [
  "actor",
  "epoch",
  "revision",
  "tags",
  "state_type",
  "state",
  "wrapped",
  "request_ids",
] as const;

/** The greatest size bucket. The kit cuts lists of keys and asks; a batch of commits it never cuts. */
export const MAX_PLACES = 256;

/** What a server says of itself at start. */
export interface ServerFacts {
  /** Product and version, for people: `PostgreSQL 15.18`. */
  readonly product: string;
  /** Why this server cannot be used, one line with the version that is needed, or `undefined`. */
  readonly refusal: string | undefined;
  /** Settings with which a committed turn may be lost, each as `name=value`. */
  readonly unsafe: readonly string[];
  /** The server's clock, milliseconds since 1970. */
  readonly nowMs: number;
}

/** A table, column or index as the server's catalogue has it. */
export interface CatalogEntry {
  readonly table: string;
  readonly kind: "column" | "index";
  readonly name: string;
  /** What matters of it in words of the dialect: the type of a column, the columns of an index. */
  readonly definition: string;
}

/** How a schema is made, looked at and guarded. */
export interface SqlSchemaDialect {
  /** Statements that make a table with its key and indexes, under the name that `table` gives it. */
  create(definition: SqlTable, table: (name: SqlTableName) => string): readonly string[];
  /** What the catalogue has for a table that `create` has made, in the words of `catalog`. */
  expected(definition: SqlTable): readonly CatalogEntry[];
  /** Every table, column and index of the schema that the store lives in. */
  catalog(runner: SqlRunner): Promise<readonly CatalogEntry[]>;
  /**
   * Runs `body` while no other process runs one of its own on this schema; whoever comes second
   * waits as long as a statement may take. One transaction where the server can undo what makes
   * tables; else each statement is for good, and `create` must bear being repeated.
   */
  exclusively<T>(client: SqlClient, body: (runner: SqlRunner) => Promise<T>): Promise<T>;
}

/** Parts of statements that differ from server to server. All are constants. */
export interface SqlFragments {
  /** The server's clock, milliseconds since 1970, as a 64-bit integer. */
  readonly now: string;
  /** The end of a SELECT: `ORDER BY <order> LIMIT <count>`. */
  first(order: string, count: string): string;
  /** True for rows that come after the values in the order of the columns, by an index on them. */
  after(columns: readonly string[], values: readonly string[]): string;
  /**
   * A SELECT whose rows stay locked until the transaction ends: what follows the table's alias, and
   * what ends the statement. `skipping` passes over rows that are locked already.
   */
  readonly locking: SqlLocking;
  readonly skipping: SqlLocking;
  /** Inserts rows; where one with the same key is there, sets the columns that are not of the key. */
  upsert(table: string, key: readonly string[], columns: readonly string[], rows: number): string;
  /** Inserts one row unless one with the same key is there. */
  insertIfAbsent(table: string, key: readonly string[], columns: readonly string[]): string;
}

/** See `SqlFragments.locking`. */
export interface SqlLocking {
  readonly afterAlias: string;
  readonly end: string;
}

/**
 * One kind of database server. Everything that can be said the same way on all of them is said by the
 * kit; this is the rest. Statement texts come from constants and size buckets alone, and parameters
 * are written `$1 … $n`, each used in any order and as often as wanted.
 */
export interface SqlDialect {
  /** How messages name it: `postgres`. */
  readonly name: string;
  readonly schema: SqlSchemaDialect;
  readonly fragments: SqlFragments;
  /** How statements name a table. */
  table(name: SqlTableName): string;
  facts(runner: SqlRunner): Promise<ServerFacts>;
  /**
   * Takes what can be taken, in one transaction, and answers those rows alone, in `TAKEN_COLUMNS`.
   *
   * Nothing is taken unless the asking session is up and its lease runs. A row that is missing is
   * made: owner the session, epoch 1, revision 0, commits 0, tags `{}`. A row is taken (owner the
   * session, epoch + 1, nothing else changed) if it is sound and its owner is NULL, the asking
   * session, a session whose row says that it is not up, or one whose lease has ended, which is
   * fenced in the same transaction. An owner without a row is left to the kit. Sound is what
   * `actorDamage` of `actor-row.ts` finds nothing against, as far as the server can tell; what it
   * cannot tell is found by the kit when it reads the row.
   *
   * What is answered must be what the last commit left: a row that was committed to after the
   * statement's snapshot must not come with the replies of before (`actors.commits`).
   * Deadlocks and serialisation failures reject as `retry`; the kit repeats.
   */
  claim(client: SqlClient, ask: ClaimAsk): Promise<readonly SqlRow[]>;
  /**
   * Commits a batch of any size in one transaction and answers the identities of the winners. A row
   * is won if its owner is `sessionId`, that session's row says `up`, and epoch and revision are as
   * given. Losers write nothing in any list. Rejects with `mayHaveCommitted` only if it may be so.
   */
  commit(client: SqlClient, batch: EncodedBatch): Promise<readonly SqlValue[]>;
}

/** A server at an address: how to speak to it, and through what. */
export interface SqlServer {
  readonly dialect: SqlDialect;
  /** Makes a client; connects to nothing. Start and migrations use one of their own. */
  connect(limits: SqlLimits): SqlClient;
  /** Where the server is, without a password, for messages. */
  readonly place: string;
}

/** Makes a statement that connections keep prepared. */
export function prepared(text: string): SqlStatement {
  return { text, prepared: true };
}

/** Makes a statement that is run once in a while. */
export function unprepared(text: string): SqlStatement {
  return { text, prepared: false };
}

/** The least size bucket (1, 2, 4 … `MAX_PLACES`) that holds `count`. */
export function bucketOf(count: number): number {
  let bucket = 1;
  while (bucket < count) bucket *= 2;
  return bucket;
}

/** `$from, $from+1, …`, as many as asked for. */
export function places(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `$${from + index}`).join(", ");
}
