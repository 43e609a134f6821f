import type {
  ActorId,
  Outbox,
  OutboxRow,
  PluginClock,
  ScheduleRow,
  Schedules,
} from "../../../src/contract/index.ts";
import { actorPath } from "../kit/identity.ts";
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
      // Counted when taken, so that a message which ends its taker is counted too.
      row.tries += 1;
    }
    return taken;
  }

  async ack(rowIds: readonly number[]): Promise<void> {
    for (const rowId of rowIds) this.#rows.outbox.delete(rowId);
  }

  async retry(rowId: number, delayMs: number, _reason: string): Promise<void> {
    const row = this.#rows.outbox.get(rowId);
    if (row === undefined || row.deadReason !== undefined) return;
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
    for (const row of this.#rows.schedules.values()) {
      if (row.dueMs <= now && row.heldUntilMs <= now) due.push(row);
    }
    due.sort((a, b) => a.dueMs - b.dueMs || a.rowId - b.rowId);
    const taken = due.slice(0, limit);
    for (const row of taken) row.heldUntilMs = now + holdMs;
    return taken.map(scheduleView);
  }

  async ack(rowId: number, seenDueMs: number, nextDueMs: number | undefined): Promise<boolean> {
    const row = this.#rows.schedules.get(rowId);
    if (row?.dueMs !== seenDueMs) return false;
    if (nextDueMs === undefined) {
      this.#rows.schedules.delete(rowId);
      this.#rows.actors.get(actorPath(row.actor))?.schedules.delete(row.name);
    } else {
      row.dueMs = nextDueMs;
      row.heldUntilMs = 0;
    }
    return true;
  }

  async list(actor: ActorId): Promise<readonly ScheduleRow[]> {
    const numbers = this.#rows.actors.get(actorPath(actor))?.schedules.values() ?? [];
    const found: ScheduleRow[] = [];
    for (const number of numbers) {
      const row = this.#rows.schedules.get(number);
      if (row !== undefined) found.push(scheduleView(row));
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function scheduleView(row: KeptSchedule): ScheduleRow {
  const { rowId, actor, name, dueMs, repeat, action, body } = row;
  return { rowId, actor, name, dueMs, repeat, action, body };
}
