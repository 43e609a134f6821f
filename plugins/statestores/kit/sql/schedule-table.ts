import type { ActorId, ScheduleRow, Schedules } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { places, prepared } from "./dialect.ts";
import { bytesOf, numberOf, textOf } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement } from "./sql-client.ts";

/** Durable timers. A schedule that is set again has a new row number. */
export class ScheduleTable implements Schedules {
  readonly #access: SqlAccess;
  readonly #due: SqlStatement;
  readonly #hold: BucketedStatement;
  readonly #held: BucketedStatement;
  readonly #move: SqlStatement;
  readonly #remove: SqlStatement;
  readonly #list: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now, first, skipping } = dialect.fragments;
    const schedules = dialect.table("schedules");
    const rows = `SELECT s.number, s.name, s.due_ms, s.repetition, s.action, s.body,
                         a.actor_system, a.actor_type, a.actor_key
                    FROM ${schedules} s JOIN ${dialect.table("actors")} a ON a.actor = s.actor`;
    this.#access = access;
    this.#due = prepared(
      `SELECT s.number FROM ${schedules} s ${skipping.afterAlias}
        WHERE s.due_ms <= ${now} AND s.held_until_ms <= ${now}
        ${first("s.due_ms, s.number", "$1")} ${skipping.end}`,
    );
    this.#hold = new BucketedStatement(
      (bucket) =>
        `UPDATE ${schedules} SET held_until_ms = ${now} + $1 WHERE number IN (${places(2, bucket)})`,
    );
    this.#held = new BucketedStatement(
      (bucket) => `${rows} WHERE s.number IN (${places(1, bucket)}) ORDER BY s.due_ms, s.number`,
    );
    this.#move = prepared(
      `UPDATE ${schedules} SET due_ms = $1, held_until_ms = 0 WHERE number = $2 AND due_ms = $3`,
    );
    this.#remove = prepared(`DELETE FROM ${schedules} WHERE number = $1 AND due_ms = $2`);
    this.#list = prepared(`${rows} WHERE s.actor = $1 ORDER BY s.name`);
  }

  due(_sessionId: number, limit: number, holdMs: number): Promise<readonly ScheduleRow[]> {
    return this.#access.transaction("repeat", async (runner) => {
      const { rows } = await runner.run(this.#due, [limit]);
      const taken: ScheduleRow[] = [];
      for (const piece of pieces(rows.map(([number = null]) => number))) {
        const hold = this.#hold.for(piece);
        await runner.run(hold.statement, [Math.round(holdMs), ...hold.keys]);
        const held = this.#held.for(piece);
        taken.push(...(await runner.run(held.statement, held.keys)).rows.map(view));
      }
      return taken;
    });
  }

  async ack(rowId: number, seenDueMs: number, nextDueMs: number | undefined): Promise<boolean> {
    const { changed } =
      nextDueMs === undefined
        ? await this.#access.run(this.#remove, [rowId, seenDueMs], "once")
        : await this.#access.run(this.#move, [Math.round(nextDueMs), rowId, seenDueMs], "once");
    return changed > 0;
  }

  list(actor: ActorId): Promise<readonly ScheduleRow[]> {
    return this.#access.attempt("repeat", async (client) => {
      const { rows } = await client.run(this.#list, [actorIdentity(actor)]);
      return rows.map(view);
    });
  }
}

function view(row: SqlRow): ScheduleRow {
  const [rowId, name, dueMs, repetition, action, body, system, type, key] = row;
  return {
    rowId: numberOf(rowId),
    name: textOf(name),
    dueMs: numberOf(dueMs),
    repeat: textOf(repetition),
    action: textOf(action),
    body: bytesOf(body, `schedule ${textOf(name)}`),
    actor: { system: textOf(system), type: textOf(type), key: textOf(key) },
  };
}
