/**
 * What a column holds; each dialect has its own type for each kind.
 * `identity`: 32 bytes. `label`: at most 255 bytes, may be indexed. `bytes`: any number of bytes.
 * `text`: JSON of any length. `name`: at most 63 characters of `[A-Za-z0-9_.-]`, compared as bytes.
 * `integer`: 64 bits, signed. `number`: issued by the server when a row is inserted, from 1 to
 * 2^53 - 1, never twice, even after a rollback, a deletion or a restart of the server.
 */
export type SqlColumnKind = "identity" | "label" | "bytes" | "text" | "name" | "integer" | "number";

/** One column. Nothing may be NULL unless it says so. */
export interface SqlColumn {
  readonly name: string;
  readonly kind: SqlColumnKind;
  readonly nullable?: boolean;
}

/** One index besides the primary key. */
export interface SqlIndex {
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique?: boolean;
  /** Rows whose first column is NULL are not in it, so that any number of them may be there. */
  readonly sparse?: boolean;
}

/** One table. Its large columns stand last, so that reading the others need not pass them. */
export interface SqlTable {
  readonly name: SqlTableName;
  readonly columns: readonly SqlColumn[];
  readonly key: readonly string[];
  readonly indexes: readonly SqlIndex[];
}

/** The tables of every store on a server. */
export type SqlTableName =
  | "troupe_schema"
  | "locks"
  | "sessions"
  | "actors"
  | "actor_tags"
  | "dedup"
  | "outbox"
  | "schedules"
  | "history"
  | "seeds"
  | "types"
  | "meta";

const column = (name: string, kind: SqlColumnKind): SqlColumn => ({ name, kind });
const optional = (name: string, kind: SqlColumnKind): SqlColumn => ({ name, kind, nullable: true });

const actor = column("actor", "identity");

/** Which steps of the schema a database has taken. */
export const SCHEMA_TABLE: SqlTable = {
  name: "troupe_schema",
  columns: [
    column("version", "integer"),
    column("name", "label"),
    column("checksum", "label"),
    column("applied_ms", "integer"),
  ],
  key: ["version"],
  indexes: [],
};

/** Rows that are only ever locked: `outbox`, whose takers go one by one. */
const locks: SqlTable = {
  name: "locks",
  columns: [column("name", "name")],
  key: ["name"],
  indexes: [],
};

/**
 * Leases. `up_name` is the node's name while the session is up, else NULL: one that is up per name.
 * `renewals` changes with each renewal, so that a server which counts changed rows counts it.
 */
const sessions: SqlTable = {
  name: "sessions",
  columns: [
    column("id", "number"),
    column("node_name", "label"),
    optional("up_name", "label"),
    column("boot_id", "label"),
    column("state", "name"),
    column("expires_ms", "integer"),
    column("renewals", "integer"),
    column("address", "bytes"),
  ],
  key: ["id"],
  indexes: [{ name: "sessions_up", columns: ["up_name"], unique: true, sparse: true }],
};

/**
 * One row per actor, never deleted by the store. `commits` grows with each commit, those that only
 * record a reply among them: a claim compares it to see that it has read all of the last commit.
 */
const actors: SqlTable = {
  name: "actors",
  columns: [
    actor,
    column("actor_system", "name"),
    column("actor_type", "name"),
    column("actor_key", "label"),
    optional("owner", "integer"),
    column("epoch", "integer"),
    column("revision", "integer"),
    column("commits", "integer"),
    column("updated_ms", "integer"),
    column("tags", "text"),
    optional("state_type", "bytes"),
    optional("state", "bytes"),
  ],
  key: ["actor"],
  indexes: [{ name: "actors_by_name", columns: ["actor_system", "actor_type", "actor_key"] }],
};

/** Which actors bear a tag. `tag` is a digest of system, name and value (`row-values.ts`). */
const actorTags: SqlTable = {
  name: "actor_tags",
  columns: [
    column("tag", "identity"),
    column("actor_type", "name"),
    column("actor_key", "label"),
    actor,
  ],
  key: ["tag", "actor_type", "actor_key"],
  indexes: [{ name: "actor_tags_by_actor", columns: ["actor"] }],
};

const dedup: SqlTable = {
  name: "dedup",
  columns: [
    actor,
    column("request_id", "label"),
    column("revision", "integer"),
    column("committed_ms", "integer"),
    column("digest", "bytes"),
    column("reply", "bytes"),
  ],
  key: ["actor", "request_id"],
  indexes: [{ name: "dedup_by_age", columns: ["committed_ms"] }],
};

/**
 * Messages on their way. `due_ms` is when a message is first due, `ready_ms` when it may be taken,
 * which holds and retries move; that of a dead letter is `NEVER_MS`. `target` is the identity of the
 * actor that it goes to.
 */
const outbox: SqlTable = {
  name: "outbox",
  columns: [
    column("number", "number"),
    actor,
    column("target", "identity"),
    column("target_system", "name"),
    column("target_type", "name"),
    column("target_key", "label"),
    column("message_id", "label"),
    column("revision", "integer"),
    column("place", "integer"),
    column("action", "name"),
    column("delay_ms", "integer"),
    column("due_ms", "integer"),
    column("ready_ms", "integer"),
    column("attempts", "integer"),
    optional("dead_reason", "bytes"),
    column("body", "bytes"),
  ],
  key: ["number"],
  indexes: [
    { name: "outbox_by_pair", columns: ["actor", "target", "number"] },
    { name: "outbox_ready", columns: ["ready_ms", "number"] },
  ],
};

/** Durable timers. A name that is set again is a new row with a new number. */
const schedules: SqlTable = {
  name: "schedules",
  columns: [
    column("number", "number"),
    actor,
    column("name", "label"),
    column("due_ms", "integer"),
    column("held_until_ms", "integer"),
    column("action", "name"),
    column("repetition", "bytes"),
    column("body", "bytes"),
  ],
  key: ["number"],
  indexes: [
    { name: "schedules_by_name", columns: ["actor", "name"], unique: true },
    { name: "schedules_due", columns: ["due_ms", "number"] },
  ],
};

const history: SqlTable = {
  name: "history",
  columns: [
    actor,
    column("revision", "integer"),
    column("committed_ms", "integer"),
    column("action", "name"),
    column("tags", "text"),
    optional("state_type", "bytes"),
    optional("state", "bytes"),
  ],
  key: ["actor", "revision"],
  indexes: [],
};

const seeds: SqlTable = {
  name: "seeds",
  columns: [actor, column("wrapped", "bytes")],
  key: ["actor"],
  indexes: [],
};

const types: SqlTable = {
  name: "types",
  columns: [column("actor_system", "name"), column("actor_type", "name"), column("spec", "bytes")],
  key: ["actor_system", "actor_type"],
  indexes: [],
};

const meta: SqlTable = {
  name: "meta",
  columns: [column("name", "label"), column("value", "bytes")],
  key: ["name"],
  indexes: [],
};

/** Every table but that of the steps. */
export const TABLES: readonly SqlTable[] = [
  locks,
  sessions,
  actors,
  actorTags,
  dedup,
  outbox,
  schedules,
  history,
  seeds,
  types,
  meta,
];

/** Rows of `locks`, put there when the schema is made. */
export const LOCKS = ["outbox"] as const;

/** When a dead letter is ready: never. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;
