import {
  type SqlClient,
  SqlError,
  type SqlPurpose,
  type SqlResult,
  type SqlRunner,
  type SqlStatement,
  type SqlValue,
} from "../kit/sql/sql-client.ts";
import { type ConnectionSettings, PostgresConnection } from "./postgres-connection.ts";

/** Somebody who waits for a connection. */
interface Waiter {
  /** False if it waits no longer. */
  give(connection: PostgresConnection): boolean;
  refuse(error: SqlError): void;
}

/** What a client of this wire is made with besides how it connects. */
export interface ClientSettings extends ConnectionSettings {
  /** How a transaction begins, isolation and all. */
  readonly begin: string;
}

const COMMIT: SqlStatement = { text: "COMMIT", prepared: false };
const ROLLBACK: SqlStatement = { text: "ROLLBACK", prepared: false };

/**
 * PostgreSQL's wire by the `postgres` library. Each connection carries one statement or transaction at
 * a time, so that a slow one holds up nobody else; leases have a connection to themselves.
 */
export class PostgresClient implements SqlClient {
  readonly #begin: SqlStatement;
  readonly #work: ConnectionPool;
  readonly #lease: ConnectionPool;

  constructor(settings: ClientSettings) {
    this.#begin = { text: settings.begin, prepared: false };
    this.#work = new ConnectionPool(settings, settings.limits.poolSize);
    this.#lease = new ConnectionPool(settings, 1);
  }

  async open(signal: AbortSignal): Promise<void> {
    const taken = this.#work.take().then((connection) => this.#work.giveBack(connection));
    await Promise.race([taken, abortionOf(signal)]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#work.close(), this.#lease.close()]);
  }

  run(
    statement: SqlStatement,
    values: readonly SqlValue[],
    purpose: SqlPurpose = "work",
  ): Promise<SqlResult> {
    return this.#on(purpose, (connection) => connection.run(statement, values));
  }

  transaction<T>(
    body: (runner: SqlRunner) => Promise<T>,
    purpose: SqlPurpose = "work",
  ): Promise<T> {
    return this.#on(purpose, async (connection) => {
      // Not awaited: it travels with the first statement of the body.
      const begun = connection.run(this.#begin, []);
      begun.catch(() => undefined);
      let failure: SqlError | undefined;
      let answer: T;
      try {
        answer = await body({
          run: async (statement, values) => {
            try {
              const [, result] = await Promise.all([begun, connection.run(statement, values)]);
              return result;
            } catch (error) {
              if (error instanceof SqlError) failure ??= error;
              throw error;
            }
          },
        });
        await begun;
        // The server would take a COMMIT after a failure for a ROLLBACK, without a word.
        if (failure !== undefined) throw failure;
      } catch (error) {
        // Nothing of a transaction is kept that was not asked to commit.
        if (connection.alive) await connection.run(ROLLBACK, []).catch(() => undefined);
        throw error instanceof SqlError ? undone(error) : error;
      }
      await connection.run(COMMIT, []);
      return answer;
    });
  }

  async #on<T>(purpose: SqlPurpose, body: (connection: PostgresConnection) => Promise<T>) {
    const pool = purpose === "lease" ? this.#lease : this.#work;
    const connection = await pool.take();
    try {
      return await body(connection);
    } finally {
      pool.giveBack(connection);
    }
  }
}

/** Rejects when the signal aborts. */
function abortionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void =>
      reject(new SqlError("unreachable", "the attempt to connect was given up"));
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse);
  });
}

function undone(error: SqlError): SqlError {
  if (!error.mayHaveCommitted) return error;
  const { kind, message, serverCode, cause } = error;
  return new SqlError(kind, message, { serverCode, mayHaveCommitted: false, cause });
}

/** At most `size` connections, made when they are needed, given to who has waited longest. */
class ConnectionPool {
  readonly #settings: ConnectionSettings;
  readonly #size: number;
  readonly #idle: PostgresConnection[] = [];
  readonly #all = new Set<PostgresConnection>();
  readonly #waiting = new Set<Waiter>();
  /** Connections that are made or being made. */
  #count = 0;
  #closed = false;

  constructor(settings: ConnectionSettings, size: number) {
    this.#settings = settings;
    this.#size = size;
  }

  async take(): Promise<PostgresConnection> {
    if (this.#closed) throw new SqlError("unreachable", "the statestore is stopped");
    let idle = this.#idle.pop();
    while (idle !== undefined && !idle.alive) {
      this.#drop(idle);
      idle = this.#idle.pop();
    }
    if (idle !== undefined) return idle;
    return this.#count < this.#size ? await this.#connect() : await this.#queue();
  }

  giveBack(connection: PostgresConnection): void {
    if (!connection.alive || this.#closed) {
      this.#drop(connection);
      return;
    }
    const [first] = this.#waiting;
    if (first === undefined) this.#idle.push(connection);
    else first.give(connection);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting) {
      waiter.refuse(new SqlError("unreachable", "the statestore is stopped"));
    }
    await Promise.all([...this.#all].map((connection) => connection.close()));
  }

  async #connect(): Promise<PostgresConnection> {
    this.#count += 1;
    try {
      const connection = await PostgresConnection.open(this.#settings);
      this.#all.add(connection);
      if (!this.#closed) return connection;
      await connection.close();
      throw new SqlError("unreachable", "the statestore is stopped");
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #drop(connection: PostgresConnection): void {
    if (!this.#all.delete(connection)) return;
    this.#leave();
  }

  /** A place is free: whoever has waited longest may connect. */
  #leave(): void {
    this.#count -= 1;
    const [first] = this.#waiting;
    if (first === undefined || this.#closed) return;
    this.#waiting.delete(first);
    this.#connect().then((connection) => {
      if (!first.give(connection)) this.giveBack(connection);
    }, first.refuse);
  }

  #queue(): Promise<PostgresConnection> {
    const { clock, limits } = this.#settings;
    return new Promise((resolve, reject) => {
      let waits = true;
      const settle = (): void => {
        waits = false;
        stop();
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        give: (connection) => {
          if (!waits) return false;
          settle();
          resolve(connection);
          return true;
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const stop = clock.setTimer(limits.queueTargetMs, () => {
        const message = `no connection to the database was free within ${limits.queueTargetMs} ms`;
        waiter.refuse(new SqlError("busy", message));
      });
      this.#waiting.add(waiter);
    });
  }
}
