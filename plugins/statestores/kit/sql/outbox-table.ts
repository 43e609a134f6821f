import type { Outbox, OutboxRow } from "../../../../src/contract/index.ts";
import { places, prepared } from "./dialect.ts";
import { bytesOf, numberOf, textOf, utf8 } from "./row-values.ts";
import { NEVER_MS } from "./schema.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement } from "./sql-client.ts";

/**
 * Messages on their way. A message is ready from `ready_ms` on, which holds and retries move. It goes
 * only if no earlier message of its pair that is due becomes ready after it: so a pair's messages are
 * taken in order, and none overtakes one that is held or waits for its retry. Takers go one by one,
 * since none can see what another is about to hold.
 */
export class OutboxTable implements Outbox {
  readonly #access: SqlAccess;
  readonly #turn: SqlStatement;
  readonly #due: SqlStatement;
  readonly #hold: BucketedStatement;
  readonly #delete: BucketedStatement;
  readonly #retry: SqlStatement;
  readonly #kill: SqlStatement;
  readonly #dead: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now, first, locking } = dialect.fragments;
    const outbox = dialect.table("outbox");
    const columns = `o.number, o.message_id, o.revision, o.place, o.target_system, o.target_type,
      o.target_key, o.action, o.delay_ms, o.attempts, o.body,
      a.actor_system, a.actor_type, a.actor_key, o.dead_reason`;
    const withSource = `${outbox} o JOIN ${dialect.table("actors")} a ON a.actor = o.actor`;
    this.#access = access;
    this.#turn = prepared(
      `SELECT l.name FROM ${dialect.table("locks")} l ${locking.afterAlias}
        WHERE l.name = 'outbox' ${locking.end}`,
    );
    this.#due = prepared(
      `SELECT ${columns} FROM ${withSource}
        WHERE o.ready_ms <= ${now} AND o.dead_reason IS NULL AND NOT EXISTS
              (SELECT 1 FROM ${outbox} p
                WHERE p.actor = o.actor AND p.target = o.target AND p.number < o.number
                  AND p.dead_reason IS NULL AND p.due_ms <= ${now} AND p.ready_ms > o.ready_ms)
        ${first("o.ready_ms, o.number", "$1")}`,
    );
    this.#hold = new BucketedStatement(
      (bucket) =>
        `UPDATE ${outbox} SET ready_ms = ${now} + $1, attempts = attempts + 1
          WHERE number IN (${places(2, bucket)})`,
    );
    this.#delete = new BucketedStatement(
      (bucket) => `DELETE FROM ${outbox} WHERE number IN (${places(1, bucket)})`,
    );
    this.#retry = prepared(
      `UPDATE ${outbox} SET ready_ms = ${now} + $1 WHERE number = $2 AND dead_reason IS NULL`,
    );
    this.#kill = prepared(
      `UPDATE ${outbox} SET dead_reason = $1, ready_ms = ${NEVER_MS} WHERE number = $2`,
    );
    this.#dead = prepared(
      `SELECT ${columns} FROM ${withSource}
        WHERE o.ready_ms = ${NEVER_MS} AND o.dead_reason IS NOT NULL ${first("o.number", "$1")}`,
    );
  }

  due(_sessionId: number, limit: number, holdMs: number): Promise<readonly OutboxRow[]> {
    return this.#access.transaction("repeat", async (runner) => {
      await runner.run(this.#turn, []);
      const { rows } = await runner.run(this.#due, [limit]);
      // Counted when taken, so that a message which ends its taker is counted too.
      for (const piece of pieces(rows.map(([number = null]) => number))) {
        const { statement, keys } = this.#hold.for(piece);
        await runner.run(statement, [Math.round(holdMs), ...keys]);
      }
      return rows.map(view);
    });
  }

  async ack(rowIds: readonly number[]): Promise<void> {
    for (const piece of pieces(rowIds)) {
      const { statement, keys } = this.#delete.for(piece);
      await this.#access.run(statement, keys);
    }
  }

  async retry(rowId: number, delayMs: number): Promise<void> {
    await this.#access.run(this.#retry, [Math.round(delayMs), rowId]);
  }

  async deadLetter(rowId: number, reason: string): Promise<void> {
    await this.#access.run(this.#kill, [utf8(reason), rowId]);
  }

  deadLetters(limit: number): Promise<readonly (OutboxRow & { readonly reason: string })[]> {
    return this.#access.attempt("repeat", async (client) => {
      const { rows } = await client.run(this.#dead, [limit]);
      return rows.map((row) => ({ ...view(row), reason: textOf(row[14]) }));
    });
  }
}

function view(row: SqlRow): OutboxRow {
  const [rowId, id, revision, place, system, type, key, action, delayMs, attempts, body] = row;
  const [sourceSystem, sourceType, sourceKey] = row.slice(11);
  return {
    rowId: numberOf(rowId),
    id: textOf(id),
    revision: numberOf(revision),
    index: numberOf(place),
    target: { system: textOf(system), type: textOf(type), key: textOf(key) },
    action: textOf(action),
    delayMs: numberOf(delayMs),
    attempts: numberOf(attempts),
    body: bytesOf(body, `message ${numberOf(rowId)}`),
    source: { system: textOf(sourceSystem), type: textOf(sourceType), key: textOf(sourceKey) },
  };
}
