import type { ActorId, ScheduleRow } from "../../../src/contract/index.ts";
import { actorIdentity } from "../kit/identity.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const COLUMNS = "s.number, s.name, s.due_ms, s.repeat, s.action, s.body, a.system, a.type, a.key";

/** Durable timers. A schedule that is set again has a new row number. */
export class ScheduleTable {
  readonly #connection: SqliteConnection;
  readonly #due: SqlStatement;
  readonly #hold: SqlStatement;
  readonly #move: SqlStatement;
  readonly #remove: SqlStatement;
  readonly #list: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#due = connection.prepare(
      `SELECT ${COLUMNS} FROM schedules s JOIN actors a ON a.number = s.actor
        WHERE s.due_ms <= ?1 AND s.held_until_ms <= ?1 ORDER BY s.due_ms, s.number LIMIT ?2`,
    );
    this.#hold = connection.prepare("UPDATE schedules SET held_until_ms = ? WHERE number = ?");
    this.#move = connection.prepare(
      "UPDATE schedules SET due_ms = ?, held_until_ms = 0 WHERE number = ? AND due_ms = ?",
    );
    this.#remove = connection.prepare("DELETE FROM schedules WHERE number = ? AND due_ms = ?");
    this.#list = connection.prepare(
      `SELECT ${COLUMNS} FROM schedules s JOIN actors a ON a.number = s.actor
        WHERE a.identity = ? ORDER BY s.name`,
    );
  }

  due(limit: number, holdMs: number): readonly ScheduleRow[] {
    return this.#connection.write((nowMs) => {
      const rows = this.#due.all(nowMs, limit);
      for (const row of rows) this.#hold.run(nowMs + Math.round(holdMs), row[0] ?? null);
      return rows.map(view);
    });
  }

  ack(rowId: number, seenDueMs: number, nextDueMs: number | undefined): boolean {
    return this.#connection.write(() => {
      const changed =
        nextDueMs === undefined
          ? this.#remove.run(rowId, seenDueMs)
          : this.#move.run(Math.round(nextDueMs), rowId, seenDueMs);
      return changed > 0;
    });
  }

  list(actor: ActorId): readonly ScheduleRow[] {
    return this.#connection.read(() => this.#list.all(actorIdentity(actor)).map(view));
  }
}

function view(row: SqlRow): ScheduleRow {
  const [rowId, name, dueMs, repeat, action, body, system, type, key] = row;
  return {
    rowId: Number(rowId),
    name: String(name),
    dueMs: Number(dueMs),
    repeat: String(repeat),
    action: String(action),
    body: body as Uint8Array,
    actor: { system: String(system), type: String(type), key: String(key) },
  };
}
