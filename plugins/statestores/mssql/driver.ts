import type { PluginClock } from "../../../src/contract/index.ts";
import {
  type SqlAddress,
  type SqlClient,
  SqlError,
  type SqlLimits,
  type SqlPurpose,
  type SqlResult,
  type SqlRunner,
  type SqlStatement,
  type SqlValue,
} from "../kit/sql/sql-client.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { type Library, ServerConnection } from "./server-connection.ts";
import { type SentText, sentText } from "./statement-text.ts";

/** Most texts that are kept as they are sent. */
const MAX_TEXTS = 1_000;

/**
 * SQL Server behind the kit's seam. Each statement goes by `sp_executesql`, whose plans the server
 * keeps by text and declared types, so that there is nothing to prepare. The lease has a connection
 * of its own. The session's `XACT_ABORT` is on: a failed statement leaves no transaction half done.
 */
export class MssqlClient implements SqlClient {
  readonly #pools: Readonly<Record<SqlPurpose, ConnectionPool<ServerConnection>>>;
  readonly #texts = new Map<string, SentText>();
  #library: Promise<Library> | undefined;

  constructor(address: SqlAddress, limits: SqlLimits, clock: PluginClock) {
    const poolOf = (size: number) =>
      new ConnectionPool<ServerConnection>({
        size,
        waitMs: limits.queueTargetMs,
        clock,
        connect: async () =>
          await ServerConnection.open({ tedious: await this.#load(), address, limits, clock }),
      });
    this.#pools = { work: poolOf(limits.poolSize), lease: poolOf(1) };
  }

  async open(signal: AbortSignal): Promise<void> {
    const { work } = this.#pools;
    const opened = work.acquire().then((connection) => work.release(connection));
    await Promise.race([opened, abortionOf(signal)]);
  }

  async close(): Promise<void> {
    this.#pools.work.close();
    this.#pools.lease.close();
  }

  async run(
    statement: SqlStatement,
    values: readonly SqlValue[],
    purpose: SqlPurpose = "work",
  ): Promise<SqlResult> {
    const pool = this.#pools[purpose];
    const connection = await pool.acquire();
    try {
      return await connection.run(this.#sent(statement), values, true);
    } finally {
      pool.release(connection);
    }
  }

  async transaction<T>(
    body: (runner: SqlRunner) => Promise<T>,
    purpose: SqlPurpose = "work",
  ): Promise<T> {
    const pool = this.#pools[purpose];
    const connection = await pool.acquire();
    try {
      await connection.begin();
      const runner = new TransactionRunner(connection, (statement) => this.#sent(statement));
      const result = await body(runner);
      runner.assertWhole();
      await connection.commit();
      return result;
    } catch (error) {
      await connection.rollBack();
      throw error;
    } finally {
      pool.release(connection);
    }
  }

  /** Each text is rewritten once, unless there are very many. */
  #sent(statement: SqlStatement): SentText {
    let sent = this.#texts.get(statement.text);
    if (sent === undefined) {
      if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
      sent = sentText(statement.text);
      this.#texts.set(statement.text, sent);
    }
    return sent;
  }

  #load(): Promise<Library> {
    this.#library ??= import("tedious");
    return this.#library;
  }
}

/** Rejects when the signal aborts. */
function abortionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = (): void =>
      reject(new SqlError("unreachable", "the attempt to connect was given up"));
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse);
  });
}

/** Runs statements between BEGIN and COMMIT, until one fails: the server has then rolled back. */
class TransactionRunner implements SqlRunner {
  readonly #connection: ServerConnection;
  readonly #sent: (statement: SqlStatement) => SentText;
  #failure: unknown;

  constructor(connection: ServerConnection, sent: (statement: SqlStatement) => SentText) {
    this.#connection = connection;
    this.#sent = sent;
  }

  async run(statement: SqlStatement, values: readonly SqlValue[]): Promise<SqlResult> {
    this.assertWhole();
    try {
      return await this.#connection.run(this.#sent(statement), values, false);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Throws the failure of an earlier statement: what follows it would run outside. */
  assertWhole(): void {
    if (this.#failure instanceof SqlError) throw this.#failure;
  }
}
