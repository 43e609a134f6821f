import type { ActorId, PortableRow } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import { actorIdentity } from "../identity.ts";
import { readStanding } from "./actor-row.ts";
import { viewHistory } from "./history-table.ts";
import type { PortableTable } from "./portable-walk.ts";
import { parseType } from "./registry-table.ts";
import { bytesOf, hexOf, numberOf, textOf, unreadable, utf8 } from "./row-values.ts";
import type { SqlRow, SqlValue } from "./sql-client.ts";

/** A row of the walk as it moves; one that cannot be read is said with the place where it is. */
export function portableRow(table: PortableTable, row: SqlRow): PortableRow {
  try {
    const values = row.slice(table.key.length);
    return rowOf(table, row, values);
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    const reason = error.failure.details.reason ?? "ROW_CORRUPT";
    return { kind: "damaged", table: table.name, place: placeOf(table, row), reason };
  }
}

function placeOf({ key }: PortableTable, row: SqlRow): string {
  const parts = key.map((column, index) => {
    const value = row[index] ?? null;
    return `${column} ${value instanceof Uint8Array ? hexOf(value) : String(value)}`;
  });
  return parts.join(", ");
}

function rowOf(table: PortableTable, row: SqlRow, values: readonly SqlValue[]): PortableRow {
  switch (table.name) {
    case "types":
      return { kind: "type", spec: parseType(values) };
    case "meta":
      return { kind: "meta", name: clean(row[0]), value: bytesOf(values[0], "a named value") };
    case "actors":
      return actorOf(row[0], values);
    case "seeds": {
      const wrapped = bytesOf(values[0], "a seed");
      return { kind: "seed", owner: ownerOf(table, values), wrapped };
    }
    case "history": {
      const owner = ownerOf(table, values);
      return { kind: "history", owner, entry: viewHistory(values, owner ?? NOBODY) };
    }
    case "dedup":
      return dedupOf(table, values);
    case "outbox":
      return messageOf(table, values);
    default:
      return scheduleOf(table, values);
  }
}

const NOBODY: ActorId = { system: "", type: "", key: "" };

/** The actor that a row belongs to, by the names behind its columns. */
function ownerOf({ columns }: PortableTable, values: readonly SqlValue[]): ActorId | undefined {
  const [system = null, type = null, key] = values.slice(columns.length);
  if (system === null) return undefined;
  return { system: String(system), type: String(type), key: clean(key) };
}

/** A text that users name; it may hold whatever UTF-8 holds. */
function clean(value: SqlValue | undefined): string {
  const text = textOf(value);
  if (value instanceof Uint8Array && Buffer.compare(utf8(text), value) === 0) return text;
  throw unreadable("a name", "ROW_CORRUPT");
}

function actorOf(identity: SqlValue | undefined, values: readonly SqlValue[]): PortableRow {
  const [system, type, key, ...rest] = values;
  const actor = { system: textOf(system), type: textOf(type), key: clean(key) };
  if (hexOf(actorIdentity(actor)) !== hexOf(identity)) throw unreadable("an actor", "ROW_MISMATCH");
  const found = readStanding(rest);
  if (typeof found === "string") throw unreadable("an actor", found);
  return { kind: "actor", actor, ...found, updatedMs: numberOf(rest[5]) };
}

function dedupOf(table: PortableTable, values: readonly SqlValue[]): PortableRow {
  const [requestId, digest, revision, reply, committedMs] = values;
  const subject = "a recorded reply";
  return {
    kind: "dedup",
    owner: ownerOf(table, values),
    record: {
      requestId: clean(requestId),
      digest: bytesOf(digest, subject),
      revision: numberOf(revision),
      reply: bytesOf(reply, subject),
    },
    committedMs: numberOf(committedMs),
  };
}

function messageOf(table: PortableTable, values: readonly SqlValue[]): PortableRow {
  const [id, revision, place, system, type, key, action, delayMs, body, ...rest] = values;
  const [dueMs, attempts, reason = null] = rest;
  return {
    kind: "outbox",
    owner: ownerOf(table, values),
    message: {
      id: clean(id),
      revision: numberOf(revision),
      index: numberOf(place),
      target: { system: textOf(system), type: textOf(type), key: clean(key) },
      action: textOf(action),
      body: bytesOf(body, "a message"),
      delayMs: numberOf(delayMs),
    },
    dueMs: numberOf(dueMs),
    attempts: numberOf(attempts),
    deadReason: reason === null ? undefined : textOf(reason),
  };
}

function scheduleOf(table: PortableTable, values: readonly SqlValue[]): PortableRow {
  const [name, dueMs, repetition, action, body] = values;
  return {
    kind: "schedule",
    owner: ownerOf(table, values),
    name: clean(name),
    dueMs: numberOf(dueMs),
    repeat: textOf(repetition),
    action: textOf(action),
    body: bytesOf(body, "a schedule"),
  };
}
