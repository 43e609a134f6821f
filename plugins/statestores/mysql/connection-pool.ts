import type { PluginClock } from "../../../src/contract/index.ts";
import { Deque } from "../../../src/std/deque.ts";
import { SqlError } from "../kit/sql/sql-client.ts";
import { lostError } from "./server-error.ts";
import { type ConnectionPlan, ServerConnection } from "./server-connection.ts";

/** Callers beyond which a pool says at once that it is busy. */
const MAX_WAITING = 10_000;

interface Waiting {
  isOver: boolean;
  go(): void;
  fail(error: SqlError): void;
}

/** At most `size` connections, opened when they are needed and lent to one caller at a time. */
export class ConnectionPool {
  readonly #plan: ConnectionPlan;
  readonly #clock: PluginClock;
  readonly #size: number;
  readonly #waiting = new Deque<Waiting>();
  readonly #open = new Set<ServerConnection>();
  readonly #free: ServerConnection[] = [];
  #lent = 0;
  #isClosed = false;

  constructor(plan: ConnectionPlan, size: number) {
    this.#plan = plan;
    this.#clock = plan.clock;
    this.#size = size;
  }

  /** Runs `body` on a connection that is its own meanwhile. */
  async use<T>(
    commitsEach: boolean,
    body: (connection: ServerConnection) => Promise<T>,
  ): Promise<T> {
    await this.#turn();
    let connection: ServerConnection | undefined;
    try {
      connection = await this.#take(commitsEach);
      return await body(connection);
    } finally {
      if (connection?.isOpen === true) this.#free.push(connection);
      this.#pass();
    }
  }

  /** Ends every connection; who waits for one is rejected, and so is who comes later. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
    this.#free.length = 0;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.fail(closedError());
    }
  }

  /** Resolves once fewer than `size` callers are at work. */
  #turn(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#lent < this.#size) {
      this.#lent += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(busyError("too many wait"));
    return new Promise((resolve, reject) => {
      const { queueTargetMs } = this.#plan.limits;
      const cancel = this.#clock.setTimer(queueTargetMs, () => {
        waiting.isOver = true;
        reject(busyError(`none became free in ${queueTargetMs} ms`));
      });
      const waiting: Waiting = {
        isOver: false,
        go: () => {
          cancel();
          resolve();
        },
        fail: (error) => {
          cancel();
          reject(error);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  /** Hands the turn to whoever has waited longest. */
  #pass(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.isOver) continue;
      next.go();
      return;
    }
    this.#lent -= 1;
  }

  async #take(commitsEach: boolean): Promise<ServerConnection> {
    // The one used last stands last, so the stale ones are the first.
    for (const free of [...this.#free]) if (free.isStale) free.destroy();
    const fit = this.#free.findLastIndex((one) => one.commitsEach === commitsEach);
    const isFull = this.#open.size >= this.#size;
    const [free] = fit < 0 && !isFull ? [] : this.#free.splice(fit, 1);
    const connection = free ?? (await this.#connect());
    try {
      await connection.setCommitsEach(commitsEach);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async #connect(): Promise<ServerConnection> {
    let connection: ServerConnection | undefined;
    connection = await ServerConnection.open(this.#plan, () => {
      if (connection !== undefined) this.#forget(connection);
    });
    // It may have ended meanwhile, or the pool may have been closed.
    if (!connection.isOpen) throw lostError("it was closed");
    if (this.#isClosed) {
      connection.destroy();
      throw closedError();
    }
    this.#open.add(connection);
    return connection;
  }

  #forget(connection: ServerConnection): void {
    this.#open.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
  }
}

function busyError(why: string): SqlError {
  return new SqlError("busy", `every connection to the server is busy: ${why}`);
}

function closedError(): SqlError {
  return new SqlError("unreachable", "the connections to the server are closed");
}
