import type { PluginClock } from "../../../src/contract/index.ts";
import {
  type SqlAddress,
  SqlError,
  type SqlLimits,
  type SqlResult,
  type SqlValue,
} from "../kit/sql/sql-client.ts";
import { within } from "./deadline.ts";
import type { MysqlConnection, MysqlDriver } from "./driver.ts";
import { connectError, lostError } from "./server-error.ts";

/** What a client has in common for all of its connections. */
export interface ConnectionPlan {
  readonly driver: MysqlDriver;
  readonly address: SqlAddress;
  readonly limits: SqlLimits;
  readonly clock: PluginClock;
}

const SQL_MODE =
  "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO," +
  "NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE";

/**
 * A server that loses its client without a word, as when a machine's power goes, ends the connection
 * after this time, and with it a transaction whose locks would keep others from taking over.
 */
const IDLE_SECONDS = 20;
/** Connections that have been idle for this long are not trusted to be there any more. */
const STALE_MS = (IDLE_SECONDS * 1000) / 2;
const MAX_CONCAT_BYTES = 64 * 1024 * 1024;

/**
 * What every connection must be, whatever the server's settings and its `init_connect` made of it.
 * The comments are read by the one server and passed over by the other.
 */
function setupStatements(limits: SqlLimits): readonly string[] {
  const timeoutMs = limits.statementTimeoutMs;
  // A lock is waited for no longer than leaves time to try again.
  const lockSeconds = Math.max(1, Math.floor(timeoutMs / 2000));
  return [
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    `SET SESSION autocommit = 1, sql_mode = '${SQL_MODE}', time_zone = '+00:00',
       /*M! max_statement_time = ${timeoutMs / 1000}, */
       /*!80000 max_execution_time = ${timeoutMs}, */
       wait_timeout = ${IDLE_SECONDS}, group_concat_max_len = ${MAX_CONCAT_BYTES},
       innodb_lock_wait_timeout = ${lockSeconds}`,
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
  ];
}

/** How much later than the server we give a statement up. */
const GRACE_MS = 500;

/** One connection, set up and with a deadline on each statement. */
export class ServerConnection {
  /** Each statement is a transaction of its own; else a transaction begins by itself. */
  #commitsEach = true;
  #isOpen = true;
  #usedMs: number;
  /** The server's number for it; 0 until that is known. */
  #id = 0;
  readonly #plan: ConnectionPlan;
  readonly #connection: MysqlConnection;
  readonly #ended: () => void;

  private constructor(plan: ConnectionPlan, connection: MysqlConnection, ended: () => void) {
    this.#plan = plan;
    this.#connection = connection;
    this.#ended = ended;
    this.#usedMs = plan.clock.now();
  }

  /** Rejects with what keeps a connection from being had; `ended` is called when it is no more. */
  static async open(plan: ConnectionPlan, ended: () => void): Promise<ServerConnection> {
    const { driver, address, limits, clock } = plan;
    let made: ServerConnection | undefined;
    let isLate = false;
    const connecting = driver.connect(address, limits.connectTimeoutMs, () => made?.destroy());
    const connection = await within(clock, limits.connectTimeoutMs + GRACE_MS, connecting, () => {
      isLate = true;
      return connectError("unreachable", address, `no answer in ${limits.connectTimeoutMs} ms`);
    }).catch((error: unknown) => {
      if (isLate) connecting.then((late) => late.destroy()).catch(() => undefined);
      throw error;
    });
    made = new ServerConnection(plan, connection, ended);
    try {
      for (const text of setupStatements(limits)) await made.run(text, [], false);
      const { rows } = await made.run("SELECT CONNECTION_ID()", [], false);
      made.#id = Number(rows[0]?.[0]);
    } catch (error) {
      made.destroy();
      throw error;
    }
    return made;
  }

  /** False once it is of no use any more. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True if the server may be about to end it. */
  get isStale(): boolean {
    return this.#plan.clock.now() - this.#usedMs > STALE_MS;
  }

  get commitsEach(): boolean {
    return this.#commitsEach;
  }

  /** Must not be called inside a transaction. */
  async setCommitsEach(wanted: boolean): Promise<void> {
    if (wanted === this.#commitsEach) return;
    await this.run(`SET SESSION autocommit = ${wanted ? 1 : 0}`, [], false);
    this.#commitsEach = wanted;
  }

  /** Runs one statement with `?` for its parameters; after a time-out the connection is closed. */
  async run(text: string, values: readonly SqlValue[], prepared: boolean): Promise<SqlResult> {
    if (!this.#isOpen) throw lostError("it was closed");
    const { clock, limits } = this.#plan;
    this.#usedMs = clock.now();
    const answer = this.#connection.run(text, values, prepared);
    try {
      return await within(clock, limits.statementTimeoutMs + GRACE_MS, answer, () => {
        void this.#kill();
        return new SqlError("timeout", `no answer in ${limits.statementTimeoutMs} ms`);
      });
    } catch (error) {
      if (isUseless(error)) this.destroy();
      throw error;
    }
  }

  /** Asks the server to end a statement that it goes on with, and lets go of its locks, if it can. */
  async #kill(): Promise<void> {
    const { driver, address, limits } = this.#plan;
    if (this.#id === 0) return;
    try {
      const other = await driver.connect(address, limits.connectTimeoutMs, () => undefined);
      await other.run(`KILL ${this.#id}`, [], false).finally(() => other.destroy());
    } catch {
      // A server that answers nobody ends what is cut off as soon as it answers.
    }
  }

  /** Harmless when repeated. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#connection.destroy();
    this.#ended();
  }
}

/**
 * A server that only reads: after a failover another one takes the writes, at the same address. And
 * more prepared statements than the server keeps: those of this connection go with it.
 */
const USELESS: ReadonlySet<string> = new Set(["1290", "1836", "1461"]);

/** True if the connection is not worth another statement. */
function isUseless(error: unknown): boolean {
  if (!(error instanceof SqlError)) return true;
  const isSilent = error.kind === "timeout" && error.serverCode === "";
  return isSilent || error.kind === "lost" || USELESS.has(error.serverCode);
}
