import type { OutboxRow } from "../../../src/contract/index.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const COLUMNS = `o.number, o.id, o.revision, o.position, o.target_system, o.target_type,
  o.target_key, o.action, o.delay_ms, o.attempts, o.body, a.system, a.type, a.key, o.dead_reason`;

/**
 * Messages on their way. A message is ready from `ready_ms` on, which holds and retries move. It
 * goes only if no earlier message of its pair that is due becomes ready after it: so a pair's
 * messages are taken in order, and none overtakes one that is held or waits for its retry.
 */
export class OutboxTable {
  readonly #connection: SqliteConnection;
  readonly #due: SqlStatement;
  readonly #hold: SqlStatement;
  readonly #delete: SqlStatement;
  readonly #retry: SqlStatement;
  readonly #kill: SqlStatement;
  readonly #dead: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#due = connection.prepare(
      `SELECT ${COLUMNS} FROM outbox o JOIN actors a ON a.number = o.actor
        WHERE o.dead_reason IS NULL AND o.ready_ms <= ?1 AND NOT EXISTS
              (SELECT 1 FROM outbox p
                WHERE p.dead_reason IS NULL AND p.actor = o.actor
                  AND p.target_system = o.target_system AND p.target_type = o.target_type
                  AND p.target_key = o.target_key AND p.number < o.number
                  AND p.due_ms <= ?1 AND p.ready_ms > o.ready_ms)
        ORDER BY o.ready_ms, o.number LIMIT ?2`,
    );
    this.#hold = connection.prepare(
      "UPDATE outbox SET ready_ms = ?, attempts = attempts + 1 WHERE number = ?",
    );
    this.#delete = connection.prepare("DELETE FROM outbox WHERE number = ?");
    this.#retry = connection.prepare(
      "UPDATE outbox SET ready_ms = ? WHERE number = ? AND dead_reason IS NULL",
    );
    this.#kill = connection.prepare("UPDATE outbox SET dead_reason = ? WHERE number = ?");
    this.#dead = connection.prepare(
      `SELECT ${COLUMNS} FROM outbox o JOIN actors a ON a.number = o.actor
        WHERE o.dead_reason IS NOT NULL ORDER BY o.number LIMIT ?`,
    );
  }

  due(limit: number, holdMs: number): readonly OutboxRow[] {
    return this.#connection.write((nowMs) => {
      const rows = this.#due.all(nowMs, limit);
      // Counted when taken, so that a message which ends its taker is counted too.
      for (const row of rows) this.#hold.run(nowMs + Math.round(holdMs), row[0] ?? null);
      return rows.map(view);
    });
  }

  ack(rowIds: readonly number[]): void {
    this.#connection.write(() => {
      for (const rowId of rowIds) this.#delete.run(rowId);
    });
  }

  retry(rowId: number, delayMs: number): void {
    this.#connection.write((nowMs) => this.#retry.run(nowMs + Math.round(delayMs), rowId));
  }

  deadLetter(rowId: number, reason: string): void {
    this.#connection.write(() => this.#kill.run(reason, rowId));
  }

  deadLetters(limit: number): readonly (OutboxRow & { readonly reason: string })[] {
    return this.#connection.read(() =>
      this.#dead.all(limit).map((row) => ({ ...view(row), reason: String(row[14]) })),
    );
  }
}

function view(row: SqlRow): OutboxRow {
  const [rowId, id, revision, position, system, type, key, action, delayMs, attempts, body] = row;
  const [sourceSystem, sourceType, sourceKey] = row.slice(11);
  return {
    rowId: Number(rowId),
    id: String(id),
    revision: Number(revision),
    index: Number(position),
    target: { system: String(system), type: String(type), key: String(key) },
    action: String(action),
    delayMs: Number(delayMs),
    attempts: Number(attempts),
    body: body as Uint8Array,
    source: { system: String(sourceSystem), type: String(sourceType), key: String(sourceKey) },
  };
}
