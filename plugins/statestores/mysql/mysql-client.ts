import type {
  SqlClient,
  SqlPurpose,
  SqlResult,
  SqlRunner,
  SqlStatement,
  SqlValue,
} from "../kit/sql/sql-client.ts";
import { SqlError } from "../kit/sql/sql-client.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { lostError } from "./server-error.ts";
import type { ConnectionPlan, ServerConnection } from "./server-connection.ts";
import { StatementTexts } from "./statement-texts.ts";

/** MySQL and MariaDB as the kit wants a server, over either driver. */
export class MysqlClient implements SqlClient {
  readonly #work: ConnectionPool;
  readonly #lease: ConnectionPool;
  readonly #texts = new StatementTexts();

  constructor(plan: ConnectionPlan) {
    this.#work = new ConnectionPool(plan, plan.limits.poolSize);
    this.#lease = new ConnectionPool(plan, 1);
  }

  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => {
      this.#close();
      reject(new SqlError("unreachable", "connecting to the server took too long"));
    };
    signal.addEventListener("abort", abort);
    try {
      const proof = this.#lease.use(true, (one) => one.run("SELECT 1", [], false));
      await Promise.race([proof, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  close(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    this.#work.close();
    this.#lease.close();
  }

  run(
    statement: SqlStatement,
    values: readonly SqlValue[],
    purpose?: SqlPurpose,
  ): Promise<SqlResult> {
    return this.#pool(purpose).use(true, async (connection) => {
      const { onlyReads } = this.#texts.of(statement.text);
      try {
        return await this.#send(connection, statement, values);
      } catch (error) {
        throw onlyReads || isAnswer(error) ? error : inDoubt(error);
      }
    });
  }

  transaction<T>(body: (runner: SqlRunner) => Promise<T>, purpose?: SqlPurpose): Promise<T> {
    return this.#pool(purpose).use(false, (connection) => this.#transact(connection, body));
  }

  async #transact<T>(
    connection: ServerConnection,
    body: (runner: SqlRunner) => Promise<T>,
  ): Promise<T> {
    let undone: SqlError | undefined;
    const runner: SqlRunner = {
      run: async (statement, values) => {
        if (undone !== undefined) throw undone;
        try {
          return await this.#send(connection, statement, values);
        } catch (error) {
          if (isUndone(error)) undone = error;
          throw error;
        }
      },
    };
    let value: T;
    try {
      value = await body(runner);
      // Else what came after the failure would be committed alone.
      if (undone !== undefined) throw undone;
    } catch (error) {
      await rollBack(connection);
      throw error;
    }
    await commit(connection);
    return value;
  }

  #send(
    connection: ServerConnection,
    statement: SqlStatement,
    values: readonly SqlValue[],
  ): Promise<SqlResult> {
    const known = this.#texts.of(statement.text);
    return connection.run(known.text, known.arrange(values), statement.prepared);
  }

  #pool(purpose: SqlPurpose = "work"): ConnectionPool {
    return purpose === "lease" ? this.#lease : this.#work;
  }
}

/** True for a failure after which nothing is left of the transaction that it happened in. */
function isUndone(error: unknown): error is SqlError {
  if (!(error instanceof SqlError)) return false;
  return error.kind === "retry" || error.kind === "lost" || error.kind === "timeout";
}

async function rollBack(connection: ServerConnection): Promise<void> {
  try {
    if (connection.isOpen) await connection.run("ROLLBACK", [], false);
  } catch {
    // The server rolls back what belongs to a connection that is gone.
    connection.destroy();
  }
}

async function commit(connection: ServerConnection): Promise<void> {
  if (!connection.isOpen) throw lostError("it was closed before the commit");
  try {
    await connection.run("COMMIT", [], false);
  } catch (error) {
    connection.destroy();
    // A server that asks to repeat has rolled back; any other answer may come after the fact.
    throw error instanceof SqlError && error.kind === "retry" ? error : inDoubt(error);
  }
}

/** True for what the server itself said. */
function isAnswer(error: unknown): boolean {
  return error instanceof SqlError && error.serverCode !== "";
}

/** The same failure, of what may have been committed. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const { kind, message, serverCode } = error;
  return new SqlError(kind, message, { serverCode, mayHaveCommitted: true });
}
