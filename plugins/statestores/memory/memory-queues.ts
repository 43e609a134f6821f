import type {
  ActorId,
  Outbox,
  OutboxRow,
  PluginClock,
  ScheduleRow,
  Schedules,
} from "../../../src/contract/index.ts";
import { actorIdentityText } from "./memory-identity.ts";
import type { KeptMessage, KeptSchedule, MemoryRows } from "./memory-rows.ts";

/** Messages that left with a turn, taken in order per (source, target). */
export class MemoryOutbox implements Outbox {
  readonly #rows: MemoryRows;
  readonly #clock: PluginClock;

  constructor(rows: MemoryRows, clock: PluginClock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  async due(_sessionId: number, limit: number, holdMs: number): Promise<readonly OutboxRow[]> {
    const now = this.#clock.wallMs();
    const blocked = new Set<string>();
    const taken: OutboxRow[] = [];
    for (const row of this.#rows.outbox.values()) {
      if (taken.length >= limit) break;
      if (row.deadReason !== undefined || row.dueMs > now || blocked.has(row.pair)) continue;
      if (row.readyMs > now) {
        blocked.add(row.pair);
        continue;
      }
      row.readyMs = now + holdMs;
      taken.push(view(row));
    }
    return taken;
  }

  async ack(rowIds: readonly number[]): Promise<void> {
    for (const rowId of rowIds) this.#rows.outbox.delete(rowId);
  }

  async retry(rowId: number, delayMs: number, _reason: string): Promise<void> {
    const row = this.#rows.outbox.get(rowId);
    if (row === undefined || row.deadReason !== undefined) return;
    row.tries += 1;
    row.readyMs = this.#clock.wallMs() + delayMs;
  }

  async deadLetter(rowId: number, reason: string): Promise<void> {
    const row = this.#rows.outbox.get(rowId);
    if (row !== undefined) row.deadReason = reason;
  }

  async deadLetters(limit: number): Promise<readonly (OutboxRow & { readonly reason: string })[]> {
    const found: (OutboxRow & { readonly reason: string })[] = [];
    for (const row of this.#rows.outbox.values()) {
      if (found.length >= limit) break;
      if (row.deadReason !== undefined) found.push({ ...view(row), reason: row.deadReason });
    }
    return found;
  }
}

function view(row: KeptMessage): OutboxRow {
  const { id, revision, index, target, action, body, delayMs, rowId, source } = row;
  const attempts = row.tries;
  return { id, revision, index, target, action, body, delayMs, rowId, source, attempts };
}

/** Durable timers, as durable as this store is. */
export class MemorySchedules implements Schedules {
  readonly #rows: MemoryRows;
  readonly #clock: PluginClock;

  constructor(rows: MemoryRows, clock: PluginClock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  async due(_sessionId: number, limit: number, holdMs: number): Promise<readonly ScheduleRow[]> {
    const now = this.#clock.wallMs();
    const due: KeptSchedule[] = [];
    for (const actor of this.#rows.actors.values()) {
      for (const row of actor.schedules.values()) {
        if (row.dueMs <= now && row.heldUntilMs <= now) due.push(row);
      }
    }
    due.sort((a, b) => a.dueMs - b.dueMs || a.rowId - b.rowId);
    const taken = due.slice(0, limit);
    for (const row of taken) row.heldUntilMs = now + holdMs;
    return taken.map(scheduleView);
  }

  async ack(rowId: number, seenDueMs: number, nextDueMs: number | undefined): Promise<boolean> {
    for (const actor of this.#rows.actors.values()) {
      for (const row of actor.schedules.values()) {
        if (row.rowId !== rowId) continue;
        if (row.dueMs !== seenDueMs) return false;
        if (nextDueMs === undefined) actor.schedules.delete(row.name);
        else actor.schedules.set(row.name, { ...row, dueMs: nextDueMs, heldUntilMs: 0 });
        return true;
      }
    }
    return false;
  }

  async list(actor: ActorId): Promise<readonly ScheduleRow[]> {
    const schedules = this.#rows.actors.get(actorIdentityText(actor))?.schedules;
    if (schedules === undefined) return [];
    return [...schedules.values()].map(scheduleView).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function scheduleView(row: KeptSchedule): ScheduleRow {
  const { rowId, actor, name, dueMs, repeat, action, body } = row;
  return { rowId, actor, name, dueMs, repeat, action, body };
}
