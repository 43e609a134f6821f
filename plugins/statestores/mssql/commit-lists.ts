import type { SqlTableName } from "../kit/sql/schema.ts";
import type { RowColumn } from "./mssql-types.ts";

/** How the rows of one list of a batch are written. */
export interface ListPlan {
  readonly columns: readonly RowColumn[];
  /**
   * The statements. `rows` is a FROM clause whose rows `v` are those of the list that may be written,
   * and some whose `actor` is NULL.
   */
  readonly statements: (rows: string, table: (name: SqlTableName) => string) => readonly string[];
}

const actor: RowColumn = { name: "actor", kind: "identity" };
const label = (name: string): RowColumn => ({ name, kind: "label" });
const word = (name: string): RowColumn => ({ name, kind: "name" });
const integer = (name: string): RowColumn => ({ name, kind: "integer" });
const bytes = (name: string): RowColumn => ({ name, kind: "bytes" });
const text = (name: string): RowColumn => ({ name, kind: "text" });

/** Compare-and-sets that change the state. */
export const WRITING: readonly RowColumn[] = [
  actor,
  integer("epoch"),
  integer("base_revision"),
  integer("revision"),
  text("tags"),
  bytes("state_type"),
  bytes("state"),
];

/** Compare-and-sets that leave the state, so that a large one is not written again. */
export const ADVANCING: readonly RowColumn[] = [
  actor,
  integer("epoch"),
  integer("base_revision"),
  integer("revision"),
];

/**
 * Every other list of a batch, in the order they are written. The winner's row in `actors` is locked
 * by then, and only its owner writes what belongs to an actor: no range needs to be locked.
 */
export const LISTS = {
  shredded: {
    columns: [actor],
    statements: (rows, table) => {
      const theirs = `WHERE actor IN (SELECT v.actor
  ${rows})`;
      return [
        `DELETE FROM ${table("outbox")} ${theirs}`,
        `DELETE FROM ${table("schedules")} ${theirs}`,
        `UPDATE ${table("dedup")} SET digest = 0x, reply = 0x ${theirs}`,
      ];
    },
  },
  dedup: {
    columns: [actor, label("request_id"), integer("revision"), bytes("digest"), bytes("reply")],
    statements: (rows, table) => [
      `INSERT INTO ${table("dedup")} (actor, request_id, revision, committed_ms, digest, reply)
SELECT v.actor, v.request_id, v.revision, @now, v.digest, v.reply
  ${rows}
 WHERE v.actor IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${table("dedup")} d
   WHERE d.actor = v.actor AND d.request_id = v.request_id)`,
    ],
  },
  untagged: {
    columns: [actor],
    statements: (rows, table) => [
      `DELETE FROM ${table("actor_tags")} WHERE actor IN (SELECT v.actor
  ${rows})`,
    ],
  },
  tags: {
    columns: [actor, { name: "tag", kind: "identity" }, word("actor_type"), label("actor_key")],
    statements: (rows, table) => [
      `INSERT INTO ${table("actor_tags")} (tag, actor_type, actor_key, actor)
SELECT v.tag, v.actor_type, v.actor_key, v.actor
  ${rows}
 WHERE v.actor IS NOT NULL`,
    ],
  },
  outbox: {
    columns: [
      actor,
      { name: "target", kind: "identity" },
      word("target_system"),
      word("target_type"),
      label("target_key"),
      label("message_id"),
      integer("revision"),
      integer("place"),
      word("action"),
      integer("delay_ms"),
      bytes("body"),
      integer("position"),
    ],
    // Numbers are given in the order of an INSERT … SELECT … ORDER BY.
    statements: (rows, table) => [
      `INSERT INTO ${table("outbox")} (actor, target, target_system, target_type, target_key,
  message_id, revision, place, action, delay_ms, due_ms, ready_ms, attempts, body)
SELECT v.actor, v.target, v.target_system, v.target_type, v.target_key, v.message_id,
  v.revision, v.place, v.action, v.delay_ms, @now + v.delay_ms, @now + v.delay_ms, 0, v.body
  ${rows}
 WHERE v.actor IS NOT NULL
 ORDER BY v.position`,
    ],
  },
  unscheduled: {
    columns: [actor, label("name")],
    statements: (rows, table) => [
      `DELETE o FROM ${table("schedules")} o WHERE EXISTS (SELECT 1
  ${rows}
 WHERE v.actor = o.actor AND v.name = o.name)`,
    ],
  },
  schedules: {
    columns: [
      actor,
      label("name"),
      integer("due_ms"),
      word("action"),
      bytes("repetition"),
      bytes("body"),
    ],
    statements: (rows, table) => [
      `INSERT INTO ${table("schedules")} (actor, name, due_ms, held_until_ms, action, repetition, body)
SELECT v.actor, v.name, v.due_ms, 0, v.action, v.repetition, v.body
  ${rows}
 WHERE v.actor IS NOT NULL`,
    ],
  },
  forgotten: {
    columns: [actor, integer("keep")],
    statements: (rows, table) => [
      `DELETE o FROM ${table("history")} o WHERE EXISTS (SELECT 1 FROM (SELECT h.actor, h.revision,
    v.keep, ROW_NUMBER() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
  ${rows} JOIN ${table("history")} h ON h.actor = v.actor) r
 WHERE r.place > r.keep AND r.actor = o.actor AND r.revision = o.revision)`,
    ],
  },
  history: {
    columns: [
      actor,
      integer("revision"),
      word("action"),
      text("tags"),
      bytes("state_type"),
      bytes("state"),
    ],
    statements: (rows, table) => [
      `DELETE o FROM ${table("history")} o WHERE EXISTS (SELECT 1
  ${rows}
 WHERE v.actor = o.actor AND v.revision = o.revision)`,
      `INSERT INTO ${table("history")} (actor, revision, committed_ms, action, tags, state_type, state)
SELECT v.actor, v.revision, @now, v.action, v.tags, v.state_type, v.state
  ${rows}
 WHERE v.actor IS NOT NULL`,
    ],
  },
  unseeded: {
    columns: [actor],
    statements: (rows, table) => [
      `DELETE FROM ${table("seeds")} WHERE actor IN (SELECT v.actor
  ${rows})`,
    ],
  },
  seeds: {
    columns: [actor, bytes("wrapped")],
    statements: (rows, table) => [
      `DELETE FROM ${table("seeds")} WHERE actor IN (SELECT v.actor
  ${rows})`,
      `INSERT INTO ${table("seeds")} (actor, wrapped)
SELECT v.actor, v.wrapped
  ${rows}
 WHERE v.actor IS NOT NULL`,
    ],
  },
} as const satisfies Readonly<Record<string, ListPlan>>;

/** A list of rows that belong to winners. */
export type ListName = keyof typeof LISTS;

/** The lists in the order they are written. */
export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];
