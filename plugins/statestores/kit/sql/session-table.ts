import type { SessionRequest, SessionRow, Sessions } from "../../../../src/contract/index.ts";
import { prepared } from "./dialect.ts";
import { numberOf, textOf, utf8 } from "./row-values.ts";
import type { SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement } from "./sql-client.ts";

/** How long a session that ended is still listed. */
const ENDED_KEPT_MS = 24 * 3_600_000;

const FENCE = "SET state = 'fenced', up_name = NULL";

/** Lease rows. A session whose row is gone counts as ended; ids are never used twice. */
export class SessionTable implements Sessions {
  readonly #access: SqlAccess;
  readonly #forget: SqlStatement;
  readonly #fenceName: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #opened: SqlStatement;
  readonly #renew: SqlStatement;
  readonly #close: SqlStatement;
  readonly #evict: SqlStatement;
  readonly #expire: SqlStatement;
  readonly #isUp: SqlStatement;
  readonly #list: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { now } = dialect.fragments;
    const sessions = dialect.table("sessions");
    this.#access = access;
    this.#forget = prepared(
      `DELETE FROM ${sessions} WHERE state <> 'up' AND expires_ms < ${now} - ${ENDED_KEPT_MS}`,
    );
    this.#fenceName = prepared(`UPDATE ${sessions} ${FENCE} WHERE up_name = $1`);
    this.#insert = prepared(
      `INSERT INTO ${sessions}
              (node_name, up_name, boot_id, state, expires_ms, renewals, address)
       VALUES ($1, $2, $3, 'up', ${now} + $4, 0, $5)`,
    );
    this.#opened = prepared(`SELECT id, expires_ms - ${now} FROM ${sessions} WHERE up_name = $1`);
    this.#renew = prepared(
      `UPDATE ${sessions} SET expires_ms = ${now} + $1, renewals = renewals + 1
        WHERE id = $2 AND state = 'up'`,
    );
    this.#close = prepared(
      `UPDATE ${sessions} SET state = 'closed', up_name = NULL WHERE id = $1 AND state = 'up'`,
    );
    this.#evict = prepared(`UPDATE ${sessions} ${FENCE} WHERE id = $1 AND state = 'up'`);
    this.#expire = prepared(
      `UPDATE ${sessions} ${FENCE} WHERE id = $1 AND state = 'up' AND expires_ms <= ${now}`,
    );
    this.#isUp = prepared(`SELECT id FROM ${sessions} WHERE id = $1 AND state = 'up'`);
    this.#list = prepared(
      `SELECT id, node_name, boot_id, address, state, expires_ms - ${now}
         FROM ${sessions} ORDER BY id`,
    );
  }

  open({ nodeName, bootId, address, ttlMs }: SessionRequest): Promise<SessionRow> {
    const name = utf8(nodeName);
    return this.#access.transaction("repeat", async (runner) => {
      await runner.run(this.#forget, []);
      await runner.run(this.#fenceName, [name]);
      const values = [name, name, utf8(bootId), Math.round(ttlMs), utf8(address)];
      await runner.run(this.#insert, values);
      const [row] = (await runner.run(this.#opened, [name])).rows;
      const [id, remainingMs] = row ?? [];
      return {
        id: numberOf(id),
        nodeName,
        bootId,
        address,
        state: "up",
        remainingMs: numberOf(remainingMs),
      };
    });
  }

  async renew(sessionId: number, ttlMs: number): Promise<"renewed" | "fenced"> {
    const values = [Math.round(ttlMs), sessionId];
    const { changed } = await this.#access.run(this.#renew, values, "repeat", "lease");
    return changed === 1 ? "renewed" : "fenced";
  }

  async close(sessionId: number): Promise<void> {
    await this.#access.run(this.#close, [sessionId], "repeat", "lease");
  }

  async fence(sessionId: number, evict: boolean): Promise<boolean> {
    await this.#access.run(evict ? this.#evict : this.#expire, [sessionId]);
    return (await this.#access.rows(this.#isUp, [sessionId])).length === 0;
  }

  async list(): Promise<readonly SessionRow[]> {
    return (await this.#access.rows(this.#list, [])).map(view);
  }
}

function view(row: SqlRow): SessionRow {
  const [id, nodeName, bootId, address, state, remainingMs] = row;
  return {
    id: numberOf(id),
    nodeName: textOf(nodeName),
    bootId: textOf(bootId),
    address: textOf(address),
    state: state === "up" || state === "closed" ? state : "fenced",
    remainingMs: numberOf(remainingMs),
  };
}
