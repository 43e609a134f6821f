import type { ActorCommit, HistoryPolicy } from "../../../src/contract/index.ts";
import { type ActorRow, type MemoryRows } from "./memory-rows.ts";

/** What all writes of one batch share. */
export interface CommitTime {
  /** Store clock for due times and history. */
  readonly wallMs: number;
}

/** Writes a commit whose compare-and-set has been won. Bytes are copied: the caller may reuse its own. */
export function applyCommit(
  rows: MemoryRows,
  row: ActorRow,
  commit: ActorCommit,
  { wallMs }: CommitTime,
): void {
  const { change } = commit;
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
      rowId: rows.nextNumber(),
      committedMs: wallMs,
    });
  }
  addMessages(rows, row, commit, wallMs);
  changeSchedules(rows, row, commit);
  for (const entry of commit.history) {
    const state = entry.state && { data: entry.state.data.slice(), type: entry.state.type };
    row.history.push({ ...entry, state, committedMs: wallMs, rowId: rows.nextNumber() });
  }
  row.history = keptHistory(row.history, commit.historyPolicy, wallMs);
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
    row.schedules.delete(change.name);
    if (change.kind === "cancel") continue;
    const { name, dueMs, repeat, action } = change;
    row.schedules.set(name, {
      rowId: rows.nextNumber(),
      actor: row.actor,
      name,
      dueMs,
      repeat,
      action,
      body: change.body.slice(),
      heldUntilMs: 0,
    });
  }
}

function keptHistory(
  history: ActorRow["history"],
  policy: HistoryPolicy,
  wallMs: number,
): ActorRow["history"] {
  if (history.length === 0) return history;
  switch (policy.kind) {
    case "none":
      return [];
    case "all":
      return history;
    case "last":
      return policy.count < history.length ? history.slice(history.length - policy.count) : history;
    case "duration":
      return history.filter((entry) => entry.committedMs >= wallMs - policy.ms);
  }
}
