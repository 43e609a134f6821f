import type { ActorId, ActorTypeSpec, PortableRow, StoredState } from "../../contract/index.ts";
import type { StringMap } from "../../domain/invocation.ts";

/** Rows that may stand in a file: those that can be read and belong somewhere. */
export type FileRow = Exclude<PortableRow, { readonly kind: "damaged" }>;

/** A row's fields as JSON, and its bytes. */
export interface RowParts {
  readonly head: string;
  readonly bytes: readonly Uint8Array[];
}

type Head = Readonly<Record<string, unknown>>;

const NOTHING: readonly Uint8Array[] = [];

/** A row as a record holds it. A row without its owner has no place in a file. */
export function rowParts(row: FileRow): RowParts {
  switch (row.kind) {
    case "type":
      return { head: JSON.stringify({ kind: row.kind, spec: row.spec }), bytes: NOTHING };
    case "meta":
      return parts({ kind: row.kind, name: row.name }, row.value);
    case "actor": {
      const { kind, actor, epoch, revision, state, tags, updatedMs } = row;
      const head = { kind, actor: nameOf(actor), epoch, revision, tags, updated_ms: updatedMs };
      return withState(head, state);
    }
    case "seed":
      return parts({ kind: row.kind, actor: nameOf(row.owner) }, row.wrapped);
    case "history": {
      const { revision, committedMs, tags, action, state } = row.entry;
      const actor = nameOf(row.owner);
      const head = { kind: row.kind, actor, revision, committed_ms: committedMs, tags, action };
      return withState(head, state);
    }
    case "dedup": {
      const { requestId, digest, revision, reply } = row.record;
      const when = { revision, committed_ms: row.committedMs, digest_bytes: digest.length };
      const head = { kind: row.kind, actor: nameOf(row.owner), request_id: requestId, ...when };
      return parts(head, digest, reply);
    }
    case "outbox":
      return messageParts(row);
    case "schedule": {
      const { kind, owner, name, dueMs, repeat, action, body } = row;
      return parts({ kind, actor: nameOf(owner), name, due_ms: dueMs, repeat, action }, body);
    }
  }
}

function messageParts(row: Extract<FileRow, { readonly kind: "outbox" }>): RowParts {
  const { kind, owner, message, dueMs, attempts, deadReason } = row;
  const { id, revision, index, target, action, body, delayMs } = message;
  const what = { id, revision, index, target: nameOf(target), action };
  const when = { delay_ms: delayMs, due_ms: dueMs, attempts };
  const dead = deadReason === undefined ? {} : { dead_reason: deadReason };
  return parts({ kind, actor: nameOf(owner), ...what, ...when, ...dead }, body);
}

function withState(head: Head, state: StoredState | undefined): RowParts {
  if (state === undefined) return { head: JSON.stringify(head), bytes: NOTHING };
  return parts({ ...head, state_type: state.type }, state.data);
}

function parts(head: Head, ...bytes: readonly Uint8Array[]): RowParts {
  return { head: JSON.stringify(head), bytes };
}

function nameOf(actor: ActorId | undefined): readonly string[] {
  if (actor === undefined) throw new TypeError("a row of nobody is not written to a file");
  return [actor.system, actor.type, actor.key];
}

/** The row of a record; throws `TypeError` that says what no export would have written. */
export function readRow(headText: string, bytes: Uint8Array): FileRow {
  const head = objectOf(JSON.parse(headText), "a row");
  const kind = textOf(head, "kind");
  switch (kind) {
    case "type":
      return { kind, spec: specOf(head["spec"]) };
    case "meta":
      return { kind, name: textOf(head, "name"), value: bytes };
    case "actor":
      return {
        kind,
        actor: actorOf(head, "actor"),
        epoch: countOf(head, "epoch"),
        revision: countOf(head, "revision"),
        state: stateOf(head, bytes),
        tags: tagsOf(head),
        updatedMs: countOf(head, "updated_ms"),
      };
    case "seed":
      return { kind, owner: actorOf(head, "actor"), wrapped: bytes };
    case "history":
      return { kind, owner: actorOf(head, "actor"), entry: pastOf(head, bytes) };
    case "dedup":
      return replyOf(head, bytes);
    case "outbox":
      return messageOf(head, bytes);
    case "schedule":
      return {
        kind,
        owner: actorOf(head, "actor"),
        name: textOf(head, "name"),
        dueMs: countOf(head, "due_ms"),
        repeat: textOf(head, "repeat"),
        action: textOf(head, "action"),
        body: bytes,
      };
    default:
      throw new TypeError(`has a row of the unknown kind ${kind}`);
  }
}

function pastOf(head: Head, bytes: Uint8Array) {
  return {
    revision: countOf(head, "revision"),
    committedMs: countOf(head, "committed_ms"),
    tags: tagsOf(head),
    action: textOf(head, "action"),
    state: stateOf(head, bytes),
  };
}

function replyOf(head: Head, bytes: Uint8Array): FileRow {
  const digestBytes = countOf(head, "digest_bytes");
  if (digestBytes > bytes.length) throw new TypeError("is shorter than its digest");
  const record = {
    requestId: textOf(head, "request_id"),
    digest: bytes.subarray(0, digestBytes),
    revision: countOf(head, "revision"),
    reply: bytes.subarray(digestBytes),
  };
  const owner = actorOf(head, "actor");
  return { kind: "dedup", owner, record, committedMs: countOf(head, "committed_ms") };
}

function messageOf(head: Head, body: Uint8Array): FileRow {
  const message = {
    id: textOf(head, "id"),
    revision: countOf(head, "revision"),
    index: countOf(head, "index"),
    target: actorOf(head, "target"),
    action: textOf(head, "action"),
    body,
    delayMs: countOf(head, "delay_ms"),
  };
  return {
    kind: "outbox",
    owner: actorOf(head, "actor"),
    message,
    dueMs: countOf(head, "due_ms"),
    attempts: countOf(head, "attempts"),
    deadReason: head["dead_reason"] === undefined ? undefined : textOf(head, "dead_reason"),
  };
}

function stateOf(head: Head, data: Uint8Array): StoredState | undefined {
  return head["state_type"] === undefined ? undefined : { data, type: textOf(head, "state_type") };
}

function specOf(value: unknown): ActorTypeSpec {
  const spec = objectOf(value, "an actor type");
  for (const name of ["system", "type"]) textOf(spec, name);
  return spec as unknown as ActorTypeSpec;
}

/** Names that hold a slash or NUL would be taken for another actor's. */
function actorOf(head: Head, name: string): ActorId {
  const value = head[name];
  const [system, type, key, ...more]: readonly unknown[] = Array.isArray(value) ? value : [];
  const plain = (part: unknown): part is string =>
    typeof part === "string" && part !== "" && !/[/\0]/.test(part);
  if (plain(system) && plain(type) && typeof key === "string" && more.length === 0) {
    return { system, type, key };
  }
  throw new TypeError(`has no sound ${name}`);
}

function tagsOf(head: Head): StringMap {
  const tags = objectOf(head["tags"], "tags");
  for (const name of Object.keys(tags)) textOf(tags, name);
  return tags as StringMap;
}

function textOf(head: Head, name: string): string {
  const value = head[name];
  if (typeof value === "string") return value;
  throw new TypeError(`has no sound ${name}`);
}

function countOf(head: Head, name: string): number {
  const value = head[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`has no sound ${name}`);
}

function objectOf(value: unknown, what: string): Head {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Head;
  throw new TypeError(`has no sound ${what}`);
}
