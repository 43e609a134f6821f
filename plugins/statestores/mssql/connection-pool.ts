import type { PluginClock } from "../../../src/contract/index.ts";
import { SqlError } from "../kit/sql/sql-client.ts";

/** What a pool keeps: something that ends by itself or on demand. */
export interface Pooled {
  /** False once it has ended; it is then given to nobody. */
  readonly usable: boolean;
  close(): void;
}

/** Bounds of a pool, and what makes its connections. */
export interface PoolOptions<C extends Pooled> {
  readonly size: number;
  /** Longest wait for a connection that others hold. */
  readonly waitMs: number;
  readonly clock: PluginClock;
  connect(): Promise<C>;
}

interface Waiter<C> {
  readonly give: (connection: C) => void;
  readonly refuse: (error: SqlError) => void;
  readonly disarm: () => void;
}

/**
 * At most `size` connections, made when they are wanted and kept until they end. The one used last is
 * given first; who waits is served in order. It never retries: a connection that cannot be made is
 * its caller's rejection, and the next caller tries again.
 */
export class ConnectionPool<C extends Pooled> {
  readonly #options: PoolOptions<C>;
  readonly #idle: C[] = [];
  readonly #all = new Set<C>();
  readonly #waiters: Waiter<C>[] = [];
  #connecting = 0;
  #closed = false;

  constructor(options: PoolOptions<C>) {
    this.#options = options;
  }

  /** A connection for the caller alone; rejects with `busy` after `waitMs`, with `unreachable` once closed. */
  async acquire(): Promise<C> {
    if (this.#closed) throw closedError();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.usable) return idle;
      this.#all.delete(idle);
    }
    // Whatever is left is held by callers, so only their number counts.
    if (this.#all.size + this.#connecting < this.#options.size) return await this.#connect();
    return await this.#wait();
  }

  /** Takes a connection back. One that has ended makes room for another. */
  release(connection: C): void {
    if (connection.usable && !this.#closed) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#idle.push(connection);
      else {
        waiter.disarm();
        waiter.give(connection);
      }
      return;
    }
    connection.close();
    this.#all.delete(connection);
    this.#serveNext();
  }

  /** Ends every connection and refuses who waits. Harmless when repeated. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) {
      waiter.disarm();
      waiter.refuse(closedError());
    }
    this.#idle.length = 0;
    for (const connection of this.#all) connection.close();
    this.#all.clear();
  }

  async #connect(): Promise<C> {
    this.#connecting += 1;
    let connection: C;
    try {
      connection = await this.#options.connect();
    } catch (error) {
      this.#connecting -= 1;
      this.#serveNext();
      throw error;
    }
    this.#connecting -= 1;
    if (this.#closed) {
      connection.close();
      throw closedError();
    }
    this.#all.add(connection);
    return connection;
  }

  #serveNext(): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return;
    waiter.disarm();
    this.#connect().then(waiter.give, waiter.refuse);
  }

  #wait(): Promise<C> {
    const { clock, waitMs } = this.#options;
    return new Promise((give, refuse) => {
      const waiter: Waiter<C> = {
        give,
        refuse,
        disarm: clock.setTimer(waitMs, () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          const text = `no connection to sql server became free within ${waitMs} ms`;
          refuse(new SqlError("busy", text));
        }),
      };
      this.#waiters.push(waiter);
    });
  }
}

function closedError(): SqlError {
  return new SqlError("unreachable", "the connections to sql server are closed");
}
