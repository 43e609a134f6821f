import type { Migration } from "../kit/migration-plan.ts";

/**
 * The schema. Actors are addressed by their row number, which commits carry as the handle; the
 * identity finds it. Column order puts the large blob last, so that checks never read its pages.
 * Tables whose row numbers are handed out for acknowledgement never use a number twice.
 */
const FIRST: Migration = {
  version: 1,
  name: "actors, sessions, effects",
  statements: [
    `CREATE TABLE sessions (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       node_name TEXT NOT NULL,
       boot_id TEXT NOT NULL,
       address TEXT NOT NULL,
       state TEXT NOT NULL,
       expires_ms INTEGER NOT NULL
     ) STRICT`,
    "CREATE UNIQUE INDEX sessions_up ON sessions (node_name) WHERE state = 'up'",
    `CREATE TABLE actors (
       number INTEGER PRIMARY KEY,
       identity BLOB NOT NULL UNIQUE,
       system TEXT NOT NULL,
       type TEXT NOT NULL,
       key TEXT NOT NULL,
       owner INTEGER,
       epoch INTEGER NOT NULL,
       revision INTEGER NOT NULL,
       updated_ms INTEGER NOT NULL,
       tags TEXT NOT NULL,
       recent TEXT NOT NULL DEFAULT '',
       state_type TEXT,
       state BLOB
     ) STRICT`,
    "CREATE INDEX actors_by_name ON actors (system, type, key)",
    `CREATE TABLE actor_tags (
       system TEXT NOT NULL,
       name TEXT NOT NULL,
       value TEXT NOT NULL,
       type TEXT NOT NULL,
       key TEXT NOT NULL,
       actor INTEGER NOT NULL,
       PRIMARY KEY (system, name, value, type, key)
     ) STRICT, WITHOUT ROWID`,
    `CREATE TRIGGER actors_tags AFTER UPDATE OF tags ON actors WHEN new.tags IS NOT old.tags
     BEGIN
       DELETE FROM actor_tags
        WHERE (system, name, value, type, key) IN
              (SELECT old.system, key, value, old.type, old.key FROM json_each(old.tags));
       INSERT OR REPLACE INTO actor_tags (system, name, value, type, key, actor)
       SELECT new.system, key, value, new.type, new.key, new.number FROM json_each(new.tags);
     END`,
    `CREATE TABLE dedup (
       number INTEGER PRIMARY KEY,
       actor INTEGER NOT NULL,
       request_id TEXT NOT NULL,
       digest BLOB NOT NULL,
       revision INTEGER NOT NULL,
       committed_ms INTEGER NOT NULL,
       reply BLOB NOT NULL
     ) STRICT`,
    `CREATE TABLE dedup_index (
       actor INTEGER NOT NULL,
       request_id TEXT NOT NULL,
       number INTEGER NOT NULL,
       PRIMARY KEY (actor, request_id)
     ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE outbox (
       number INTEGER PRIMARY KEY AUTOINCREMENT,
       actor INTEGER NOT NULL,
       id TEXT NOT NULL,
       revision INTEGER NOT NULL,
       position INTEGER NOT NULL,
       target_system TEXT NOT NULL,
       target_type TEXT NOT NULL,
       target_key TEXT NOT NULL,
       action TEXT NOT NULL,
       delay_ms INTEGER NOT NULL,
       due_ms INTEGER NOT NULL,
       ready_ms INTEGER NOT NULL,
       attempts INTEGER NOT NULL,
       dead_reason TEXT,
       body BLOB NOT NULL
     ) STRICT`,
    `CREATE INDEX outbox_by_pair
         ON outbox (actor, target_system, target_type, target_key) WHERE dead_reason IS NULL`,
    "CREATE INDEX outbox_dead ON outbox (number) WHERE dead_reason IS NOT NULL",
    "CREATE INDEX outbox_due ON outbox (ready_ms) WHERE dead_reason IS NULL",
    `CREATE TABLE schedules (
       number INTEGER PRIMARY KEY AUTOINCREMENT,
       actor INTEGER NOT NULL,
       name TEXT NOT NULL,
       due_ms INTEGER NOT NULL,
       held_until_ms INTEGER NOT NULL,
       repeat TEXT NOT NULL,
       action TEXT NOT NULL,
       body BLOB NOT NULL
     ) STRICT`,
    "CREATE UNIQUE INDEX schedules_by_name ON schedules (actor, name)",
    "CREATE INDEX schedules_due ON schedules (due_ms)",
    `CREATE TABLE history (
       number INTEGER PRIMARY KEY,
       actor INTEGER NOT NULL,
       revision INTEGER NOT NULL,
       committed_ms INTEGER NOT NULL,
       tags TEXT NOT NULL,
       action TEXT NOT NULL,
       state_type TEXT,
       state BLOB
     ) STRICT`,
    "CREATE UNIQUE INDEX history_by_revision ON history (actor, revision)",
    `CREATE TABLE types (
       system TEXT NOT NULL,
       type TEXT NOT NULL,
       spec TEXT NOT NULL,
       PRIMARY KEY (system, type)
     ) STRICT, WITHOUT ROWID`,
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
  ],
};

/** A seed per actor, apart from all that is sealed with it, so that it can go alone. */
const SECOND: Migration = {
  version: 2,
  name: "seeds",
  statements: ["CREATE TABLE seeds (actor INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT"],
};

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [FIRST, SECOND];

/** Remembers which steps a database has taken. */
export const SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS troupe_schema (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_ms INTEGER NOT NULL
) STRICT`;

/** The named value that ties a store to its cluster. */
export const CLUSTER = "cluster";

/** The clock that every lease, due time and age is compared with: SQLite's own. */
export const NOW = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";
