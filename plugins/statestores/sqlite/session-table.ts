import type { SessionRequest, SessionRow } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** How long a session that ended is still listed. */
const ENDED_KEPT_MS = 24 * 3_600_000;

/** Lease rows. A session whose row is gone counts as ended; ids are never used twice. */
export class SessionTable {
  readonly #connection: SqliteConnection;
  readonly #forget: SqlStatement;
  readonly #fenceName: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #renew: SqlStatement;
  readonly #close: SqlStatement;
  readonly #fence: SqlStatement;
  readonly #state: SqlStatement;
  readonly #list: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#forget = connection.prepare(
      "DELETE FROM sessions WHERE state <> 'up' AND expires_ms < ?",
    );
    this.#fenceName = connection.prepare(
      "UPDATE sessions SET state = 'fenced' WHERE node_name = ? AND state = 'up'",
    );
    this.#insert = connection.prepare(
      `INSERT INTO sessions (node_name, boot_id, address, state, expires_ms)
       VALUES (?, ?, ?, 'up', ?) RETURNING id`,
    );
    this.#renew = connection.prepare(
      "UPDATE sessions SET expires_ms = ? WHERE id = ? AND state = 'up'",
    );
    this.#close = connection.prepare(
      "UPDATE sessions SET state = 'closed' WHERE id = ? AND state = 'up'",
    );
    this.#fence = connection.prepare(
      `UPDATE sessions SET state = 'fenced'
        WHERE id = ? AND state = 'up' AND (? OR expires_ms <= ?)`,
    );
    this.#state = connection.prepare("SELECT state, expires_ms FROM sessions WHERE id = ?");
    this.#list = connection.prepare(
      "SELECT id, node_name, boot_id, address, state, expires_ms FROM sessions ORDER BY id",
    );
  }

  open({ nodeName, bootId, address, ttlMs }: SessionRequest): SessionRow {
    return this.#connection.write((nowMs) => {
      this.#forget.run(nowMs - ENDED_KEPT_MS);
      this.#fenceName.run(nodeName);
      const expiresMs = nowMs + Math.round(ttlMs);
      const id = Number(this.#insert.get(nodeName, bootId, address, expiresMs)?.[0]);
      return { id, nodeName, bootId, address, state: "up", remainingMs: expiresMs - nowMs };
    });
  }

  renew(sessionId: number, ttlMs: number): "renewed" | "fenced" {
    return this.#connection.write((nowMs) => {
      const changed = this.#renew.run(nowMs + Math.round(ttlMs), sessionId);
      return changed === 1 ? "renewed" : "fenced";
    });
  }

  close(sessionId: number): void {
    this.#connection.write(() => this.#close.run(sessionId));
  }

  fence(sessionId: number, evict: boolean): boolean {
    return this.#connection.write((nowMs) => {
      this.#fence.run(sessionId, evict ? 1 : 0, nowMs);
      return !this.isUp(sessionId);
    });
  }

  list(): readonly SessionRow[] {
    return this.#connection.read(() => {
      const nowMs = this.#connection.nowMs();
      return this.#list.all().map((row) => view(row, nowMs));
    });
  }

  /** Inside a transaction: nobody has fenced or closed it, so it may commit. */
  isUp(sessionId: number): boolean {
    return this.#state.get(sessionId)?.[0] === "up";
  }

  /** Inside a transaction: throws unless the session is up and its lease runs, so it may claim. */
  assertAlive(sessionId: number, nowMs: number): void {
    const row = this.#state.get(sessionId);
    if (row?.[0] === "up" && Number(row[1]) > nowMs) return;
    throw new StoreFailure("state.fenced", `session ${sessionId} is not up`, "not_applied", {
      reason: "SESSION_FENCED",
    });
  }

  /** Inside a transaction: fences a session whose lease has ended. */
  fenceExpired(sessionId: number, nowMs: number): void {
    this.#fence.run(sessionId, 0, nowMs);
  }
}

function view(row: SqlRow, nowMs: number): SessionRow {
  const [id, nodeName, bootId, address, state, expiresMs] = row;
  return {
    id: Number(id),
    nodeName: String(nodeName),
    bootId: String(bootId),
    address: String(address),
    state: state === "up" || state === "closed" ? state : "fenced",
    remainingMs: Number(expiresMs) - nowMs,
  };
}
