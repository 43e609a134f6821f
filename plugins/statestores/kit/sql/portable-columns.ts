import type { ActorId, PortableRow, StringMap } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import { actorIdentity } from "../identity.ts";
import { encodeTags } from "../row-codec.ts";
import type { SqlTuple } from "./commit-batch.ts";
import { tagDigest, utf8 } from "./row-values.ts";
import { NEVER_MS, type SqlTableName } from "./schema.ts";

/** The named value that says which cluster a store belongs to; it stays where it is. */
export const CLUSTER = "cluster";

/** How the rows of a table are written that come from another store. */
export interface WrittenTable {
  readonly name: SqlTableName;
  readonly columns: readonly string[];
  /** The columns that say which row it is, each among the first of `columns`. */
  readonly key: readonly string[];
  /**
   * `replace`: a row with the same key is overwritten. `renumber`: rows with the same key go, since
   * the primary key is a number that the server issues.
   */
  readonly way: "replace" | "renumber";
}

/** The tables in the order they are written. */
export const WRITTEN_TABLES = {
  types: {
    name: "types",
    columns: ["actor_system", "actor_type", "spec"],
    key: ["actor_system", "actor_type"],
    way: "replace",
  },
  meta: { name: "meta", columns: ["name", "value"], key: ["name"], way: "replace" },
  actors: {
    name: "actors",
    columns: [
      ...["actor", "actor_system", "actor_type", "actor_key", "owner", "epoch", "revision"],
      ...["commits", "updated_ms", "tags", "state_type", "state"],
    ],
    key: ["actor"],
    way: "replace",
  },
  actor_tags: {
    name: "actor_tags",
    columns: ["tag", "actor_type", "actor_key", "actor"],
    key: ["tag", "actor_type", "actor_key"],
    way: "replace",
  },
  seeds: { name: "seeds", columns: ["actor", "wrapped"], key: ["actor"], way: "replace" },
  history: {
    name: "history",
    columns: [...["actor", "revision", "committed_ms", "action", "tags", "state_type", "state"]],
    key: ["actor", "revision"],
    way: "replace",
  },
  dedup: {
    name: "dedup",
    columns: ["actor", "request_id", "revision", "committed_ms", "digest", "reply"],
    key: ["actor", "request_id"],
    way: "replace",
  },
  outbox: {
    name: "outbox",
    columns: [
      ...["actor", "message_id", "target", "target_system", "target_type", "target_key"],
      ...["revision", "place", "action", "delay_ms", "due_ms", "ready_ms", "attempts"],
      ...["dead_reason", "body"],
    ],
    key: ["actor", "message_id"],
    way: "renumber",
  },
  schedules: {
    name: "schedules",
    columns: ["actor", "name", "due_ms", "held_until_ms", "action", "repetition", "body"],
    key: ["actor", "name"],
    way: "renumber",
  },
} as const satisfies Readonly<Record<string, WrittenTable>>;

/** Rows by table, in the order they came. */
export type WrittenRows = { readonly [Table in keyof typeof WRITTEN_TABLES]: SqlTuple[] };

/** The columns of every row. Refuses damaged rows and orphans. */
export function writtenRows(rows: readonly PortableRow[]): WrittenRows {
  const written: WrittenRows = {
    types: [],
    meta: [],
    actors: [],
    actor_tags: [],
    seeds: [],
    history: [],
    dedup: [],
    outbox: [],
    schedules: [],
  };
  for (const row of rows) addRow(written, row);
  return written;
}

function addRow(written: WrittenRows, row: PortableRow): void {
  switch (row.kind) {
    case "type":
      written.types.push([row.spec.system, row.spec.type, utf8(JSON.stringify(row.spec))]);
      return;
    case "meta":
      if (row.name === CLUSTER) throw refused("the store's own name cannot be written", "CLUSTER");
      written.meta.push([utf8(row.name), row.value]);
      return;
    case "actor":
      addActor(written, row);
      return;
    case "damaged":
      throw refused("a damaged row cannot be written", "ROW_DAMAGED");
    default:
      addOwned(written, row);
  }
}

function addActor(
  written: WrittenRows,
  { actor, epoch, revision, state, tags, updatedMs }: Extract<PortableRow, { kind: "actor" }>,
): void {
  const identity = actorIdentity(actor);
  const names = [actor.system, actor.type, utf8(actor.key)] as const;
  const columns = [encodeTags(tags), ...stateColumns(state)];
  written.actors.push([identity, ...names, null, epoch, revision, 0, updatedMs, ...columns]);
  written.actor_tags.push(...tagRows(actor, identity, tags));
}

function tagRows({ system, type, key }: ActorId, identity: Uint8Array, tags: StringMap) {
  return Object.entries(tags).map(
    ([name, value]) => [tagDigest(system, name, value), type, utf8(key), identity] as const,
  );
}

function stateColumns(state: { readonly type: string; readonly data: Uint8Array } | undefined) {
  return state === undefined ? [null, null] : [utf8(state.type), state.data];
}

type OwnedRow = Extract<PortableRow, { readonly owner: ActorId | undefined }>;

function addOwned(written: WrittenRows, row: OwnedRow): void {
  if (row.owner === undefined) throw orphaned();
  const actor = actorIdentity(row.owner);
  switch (row.kind) {
    case "seed":
      written.seeds.push([actor, row.wrapped]);
      return;
    case "history": {
      const { revision, committedMs, action, tags, state } = row.entry;
      const columns = [encodeTags(tags), ...stateColumns(state)];
      written.history.push([actor, revision, committedMs, action, ...columns]);
      return;
    }
    case "dedup": {
      const { requestId, revision, digest, reply } = row.record;
      written.dedup.push([actor, utf8(requestId), revision, row.committedMs, digest, reply]);
      return;
    }
    case "outbox":
      written.outbox.push(messageColumns(actor, row));
      return;
    case "schedule": {
      const { name, dueMs, action, repeat, body } = row;
      written.schedules.push([actor, utf8(name), dueMs, 0, action, utf8(repeat), body]);
      return;
    }
  }
}

function messageColumns(
  actor: Uint8Array,
  { message, dueMs, attempts, deadReason }: Extract<OwnedRow, { kind: "outbox" }>,
): SqlTuple {
  const { id, target, revision, index, action, delayMs, body } = message;
  return [
    actor,
    utf8(id),
    actorIdentity(target),
    target.system,
    target.type,
    utf8(target.key),
    revision,
    index,
    action,
    delayMs,
    dueMs,
    deadReason === undefined ? dueMs : NEVER_MS,
    attempts,
    deadReason === undefined ? null : utf8(deadReason),
    body,
  ];
}

/** The refusal of a row whose actor is not there. */
export function orphaned(): StoreFailure {
  return refused("a row without an actor cannot be written", "ORPHAN");
}

/** The refusal of a page that cannot be written. */
export function refused(message: string, reason: string): StoreFailure {
  return new StoreFailure("request.invalid", message, "not_applied", { reason });
}
