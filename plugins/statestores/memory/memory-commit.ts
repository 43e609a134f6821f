import type { ActorCommit } from "../../../src/contract/index.ts";
import { keptHistory } from "./memory-history.ts";
import type { ActorRow, MemoryRows } from "./memory-rows.ts";

/** Writes a commit whose compare-and-set has been won, at `wallMs`. Bytes are copied: the caller may reuse its own. */
export function applyCommit(
  rows: MemoryRows,
  row: ActorRow,
  commit: ActorCommit,
  wallMs: number,
): void {
  const { change } = commit;
  if (commit.shred === true) shred(rows, row);
  if (commit.seed !== undefined) row.seed = commit.seed.slice();
  if (commit.revision !== commit.baseRevision) {
    row.revision = commit.revision;
    row.updatedMs = wallMs;
    if (change.kind !== "keep") {
      const set = change.kind === "set" ? change : undefined;
      row.state = set && { data: set.state.data.slice(), type: set.state.type };
      row.tags = set === undefined ? {} : { ...set.tags };
    }
  }
  for (const record of commit.dedup) {
    if (row.dedup.has(record.requestId)) continue;
    row.dedup.set(record.requestId, {
      ...record,
      digest: record.digest.slice(),
      reply: record.reply.slice(),
      committedMs: wallMs,
    });
  }
  addMessages(rows, row, commit, wallMs);
  changeSchedules(rows, row, commit);
  for (const entry of commit.history) {
    const state = entry.state && { data: entry.state.data.slice(), type: entry.state.type };
    row.history.push({ ...entry, state, committedMs: wallMs });
  }
  row.history = keptHistory(row.history, commit.historyPolicy, wallMs);
}

/** Lets go of all that the actor has had, but for which request ids it has answered. */
function shred(rows: MemoryRows, row: ActorRow): void {
  row.seed = undefined;
  row.history = [];
  for (const number of row.schedules.values()) rows.schedules.delete(number);
  row.schedules.clear();
  for (const [number, { source }] of rows.outbox) {
    if (source === row.actor) rows.outbox.delete(number);
  }
  for (const [requestId, record] of row.dedup) {
    row.dedup.set(requestId, { ...record, digest: new Uint8Array(0), reply: new Uint8Array(0) });
  }
}

function addMessages(rows: MemoryRows, row: ActorRow, commit: ActorCommit, wallMs: number): void {
  for (const message of commit.outbox) {
    const rowId = rows.nextNumber();
    const dueMs = wallMs + message.delayMs;
    const { system, type, key } = message.target;
    rows.outbox.set(rowId, {
      ...message,
      target: { system, type, key },
      body: message.body.slice(),
      rowId,
      source: row.actor,
      pair: `${row.handle}/${system}/${type}/${key}`,
      attempts: 0,
      tries: 0,
      dueMs,
      readyMs: dueMs,
      deadReason: undefined,
    });
  }
}

function changeSchedules(rows: MemoryRows, row: ActorRow, commit: ActorCommit): void {
  for (const change of commit.schedules) {
    const { name } = change;
    // A replaced schedule gets a new row, so that a late `ack` of the old one finds nothing.
    rows.schedules.delete(row.schedules.get(name) ?? 0);
    row.schedules.delete(name);
    if (change.kind === "cancel") continue;
    const { dueMs, repeat, action } = change;
    const rowId = rows.nextNumber();
    const body = change.body.slice();
    row.schedules.set(name, rowId);
    rows.schedules.set(rowId, {
      rowId,
      actor: row.actor,
      name,
      dueMs,
      repeat,
      action,
      body,
      heldUntilMs: 0,
    });
  }
}
