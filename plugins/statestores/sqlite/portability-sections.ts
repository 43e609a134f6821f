import type { ActorId, PortableRow, StoredState } from "../../../src/contract/index.ts";
import { actorIdentity } from "../kit/identity.ts";
import { decodeTags, isCleanText, positionDamage } from "../kit/row-codec.ts";
import type { SqlRow } from "./driver.ts";

/** A row in the contract's form, or why it cannot be read. */
export type Seen = PortableRow | string;

/** One table whose rows are walked by their numbers. */
export interface Section {
  /** In positions and in reports: the name of the table. */
  readonly table: string;
  /** Column of the row number. */
  readonly number: string;
  /** Columns of one row; `t` is the table, `a` the owner's row. */
  readonly columns: string;
  /** Column of the sealed bytes, which make out a row's size. */
  readonly bytes: string;
  /** Where the owner's columns begin, or `undefined` for actors themselves. */
  readonly ownerAt: number | undefined;
  view(row: SqlRow, owner: ActorId | undefined): Seen;
}

const OWNER = "a.system, a.type, a.key, a.identity";
/** Row numbers of recorded replies, each followed by a comma. */
const RECENT_PATTERN = /^(?:\d+,)*$/;

/** Every table but types and named values, in the order of a walk. */
export const SECTIONS: readonly Section[] = [
  {
    table: "actors",
    number: "number",
    columns: `t.system, t.type, t.key, t.identity, t.epoch, t.revision, t.tags, t.updated_ms,
      t.recent, t.state_type, t.state`,
    bytes: "state",
    ownerAt: undefined,
    view: actorOf,
  },
  {
    table: "seeds",
    number: "actor",
    columns: `t.wrapped, ${OWNER}`,
    bytes: "wrapped",
    ownerAt: 1,
    view: seedOf,
  },
  {
    table: "history",
    number: "number",
    columns: `t.revision, t.committed_ms, t.tags, t.action, t.state_type, t.state, ${OWNER}`,
    bytes: "state",
    ownerAt: 6,
    view: pastOf,
  },
  {
    table: "dedup",
    number: "number",
    columns: `t.request_id, t.digest, t.revision, t.committed_ms, t.reply, ${OWNER}`,
    bytes: "reply",
    ownerAt: 5,
    view: replyOf,
  },
  {
    table: "outbox",
    number: "number",
    columns: `t.id, t.revision, t.position, t.target_system, t.target_type, t.target_key, t.action,
      t.delay_ms, t.due_ms, t.attempts, t.dead_reason, t.body, ${OWNER}`,
    bytes: "body",
    ownerAt: 12,
    view: messageOf,
  },
  {
    table: "schedules",
    number: "number",
    columns: `t.name, t.due_ms, t.repeat, t.action, t.body, ${OWNER}`,
    bytes: "body",
    ownerAt: 5,
    view: scheduleOf,
  },
];

/** The actor that four columns name; `undefined` for none, and why if they are not its own. */
export function nameOf(row: SqlRow, at: number): ActorId | string | undefined {
  const [system, type, key, identity] = row.slice(at, at + 4);
  if (identity === null) return undefined;
  if (!isText(system) || !isText(type) || !isText(key)) return "ROW_MISMATCH";
  const actor = { system, type, key };
  const own =
    identity instanceof Uint8Array && Buffer.compare(identity, actorIdentity(actor)) === 0;
  return own ? actor : "ROW_MISMATCH";
}

function actorOf(row: SqlRow): Seen {
  const actor = nameOf(row, 0);
  if (actor === undefined || typeof actor === "string") return "ROW_MISMATCH";
  const [epoch, revision, tagsText, updatedMs, recent, type, data] = row.slice(4);
  const bad = positionDamage(epoch, revision, data !== null);
  if (bad !== undefined) return bad;
  const tags = decodeTags(tagsText);
  if (tags === undefined) return "TAGS_UNREADABLE";
  const state = stateOf(type, data);
  if (typeof state === "string") return state;
  if (!RECENT_PATTERN.test(String(recent))) return "DEDUP_UNREADABLE";
  if (!isCount(updatedMs)) return "TIME_INVALID";
  return {
    kind: "actor",
    actor,
    epoch: Number(epoch),
    revision: Number(revision),
    state,
    tags,
    updatedMs: Number(updatedMs),
  };
}

function seedOf([wrapped]: SqlRow, owner: ActorId | undefined): Seen {
  return wrapped instanceof Uint8Array ? { kind: "seed", owner, wrapped } : "ROW_CORRUPT";
}

function pastOf(row: SqlRow, owner: ActorId | undefined): Seen {
  const [revision, committedMs, tagsText, action, type, data] = row;
  if (!isCount(revision)) return "REV_INVALID";
  const tags = decodeTags(tagsText);
  if (tags === undefined) return "TAGS_UNREADABLE";
  const state = stateOf(type, data);
  if (typeof state === "string") return state;
  if (!isText(action)) return "ROW_CORRUPT";
  if (!isCount(committedMs)) return "TIME_INVALID";
  const entry = {
    revision: Number(revision),
    committedMs: Number(committedMs),
    tags,
    action,
    state,
  };
  return { kind: "history", owner, entry };
}

function replyOf(row: SqlRow, owner: ActorId | undefined): Seen {
  const [requestId, digest, revision, committedMs, reply] = row;
  if (!isCount(revision)) return "REV_INVALID";
  const whole = digest instanceof Uint8Array && reply instanceof Uint8Array;
  if (!whole || !isText(requestId)) return "ROW_CORRUPT";
  if (!isCount(committedMs)) return "TIME_INVALID";
  const record = { requestId, digest, revision: Number(revision), reply };
  return { kind: "dedup", owner, record, committedMs: Number(committedMs) };
}

function messageOf(row: SqlRow, owner: ActorId | undefined): Seen {
  const [id, revision, position, system, type, key, action, delayMs, dueMs, attempts] = row;
  const [deadReason, body] = row.slice(10);
  if (!isCount(revision) || !isCount(position)) return "REV_INVALID";
  if (!isCount(delayMs) || !isCount(dueMs) || !isCount(attempts)) return "TIME_INVALID";
  const named = isText(id) && isText(system) && isText(type) && isText(key) && isText(action);
  if (!named || !(body instanceof Uint8Array)) return "ROW_CORRUPT";
  const message = {
    id,
    revision: Number(revision),
    index: Number(position),
    target: { system, type, key },
    action,
    body,
    delayMs: Number(delayMs),
  };
  return {
    kind: "outbox",
    owner,
    message,
    dueMs: Number(dueMs),
    attempts: Number(attempts),
    deadReason: deadReason === null ? undefined : String(deadReason),
  };
}

function scheduleOf(row: SqlRow, owner: ActorId | undefined): Seen {
  const [name, dueMs, repeat, action, body] = row;
  const named = isText(name) && isText(repeat) && isText(action);
  if (!named || !(body instanceof Uint8Array)) return "ROW_CORRUPT";
  if (!isCount(dueMs)) return "TIME_INVALID";
  return { kind: "schedule", owner, name, dueMs: Number(dueMs), repeat, action, body };
}

function stateOf(type: unknown, data: unknown): StoredState | string | undefined {
  if (data === null && type === null) return undefined;
  return data instanceof Uint8Array && isCleanText(type) ? { data, type } : "STATE_UNREADABLE";
}

/** Unlike types and tags, keys and names may hold NUL and U+FFFD. */
function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isCount(value: unknown): value is bigint {
  return typeof value === "bigint" && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
