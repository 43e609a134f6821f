import type { Connection, ConnectionConfiguration, Request } from "tedious";
import type { PluginClock } from "../../../src/contract/index.ts";
import type {
  SqlAddress,
  SqlError,
  SqlLimits,
  SqlResult,
  SqlRow,
  SqlValue,
} from "../kit/sql/sql-client.ts";
import type { Pooled } from "./connection-pool.ts";
import { connectError, requestError } from "./driver-error.ts";
import { addParameter, columnValue, type LibraryColumn } from "./parameters.ts";
import type { SentText } from "./statement-text.ts";

/** The driver library, which is loaded when a store is opened: most servers have no use for it. */
export type Library = typeof import("tedious");

/** What a connection is made with. */
export interface ConnectionSettings {
  readonly tedious: Library;
  readonly address: SqlAddress;
  readonly limits: SqlLimits;
  readonly clock: PluginClock;
}

/** One connection to a server; one request at a time. */
export class ServerConnection implements Pooled {
  readonly #settings: ConnectionSettings;
  readonly #connection: Connection;
  #ended = false;

  private constructor(settings: ConnectionSettings, connection: Connection) {
    this.#settings = settings;
    this.#connection = connection;
    connection.on("end", () => {
      this.#ended = true;
    });
  }

  /** Logs in, within the connect time-out. Rejects with `unreachable`, `login` or `tls`. */
  static async open(settings: ConnectionSettings): Promise<ServerConnection> {
    const { tedious, address } = settings;
    const connection = new tedious.Connection(configurationOf(settings));
    const numbers: number[] = [];
    // An `error` that nobody hears ends the process; each is told to the request under way as well.
    connection.on("error", () => undefined);
    connection.on("errorMessage", ({ number }) => void numbers.push(number));
    const opened = new ServerConnection(settings, connection);
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => {
        if (error === undefined || error === null) return resolve();
        connection.close();
        reject(connectError(error, { numbers, address: `${address.host}:${address.port}` }));
      });
    });
    connection.removeAllListeners("errorMessage");
    await opened.#setUp();
    return opened;
  }

  /** Whatever the server's default is, this session is told how many rows were changed. */
  async #setUp(): Promise<void> {
    try {
      await this.#perform(false, "SET NOCOUNT OFF", (request) =>
        this.#connection.execSqlBatch(request),
      );
    } catch (error) {
      this.close();
      const { host, port } = this.#settings.address;
      throw connectError(error, { numbers: [], address: `${host}:${port}` });
    }
  }

  get usable(): boolean {
    return !this.#ended;
  }

  close(): void {
    this.#ended = true;
    this.#connection.close();
  }

  /**
   * Runs a statement; the rows of all its result sets follow one another. `alone`: it is a
   * transaction of its own, or several, so that the outcome is open if the answer does not come.
   */
  async run(sent: SentText, values: readonly SqlValue[], alone: boolean): Promise<SqlResult> {
    const rows: SqlRow[] = [];
    let changed = 0;
    await this.#perform(alone, sent.text, (request) => {
      for (const [index, value] of values.entries()) {
        addParameter(this.#settings.tedious, request, index + 1, sent.types[index], value);
      }
      request.on("row", (columns: readonly LibraryColumn[]) => {
        rows.push(columns.map(columnValue));
      });
      request.on("doneInProc", (count) => {
        changed += count ?? 0;
      });
      this.#connection.execSql(request);
    });
    return { rows, changed };
  }

  async begin(): Promise<void> {
    await this.#manage(false, (settled) => this.#connection.beginTransaction(settled));
  }

  /** Rejects with `mayHaveCommitted` if the answer does not come. */
  async commit(): Promise<void> {
    await this.#manage(true, (settled) => this.#connection.commitTransaction(settled));
  }

  /** Ends the transaction, if the server has not done so of itself; else the connection. */
  async rollBack(): Promise<void> {
    if (this.#ended || !this.#connection.inTransaction) return;
    await this.#manage(false, (settled) => this.#connection.rollbackTransaction(settled)).catch(
      () => this.close(),
    );
  }

  /** A request of the transaction manager, which the library cannot cancel: late ones end it all. */
  async #manage(
    mayCommit: boolean,
    send: (settled: (error: Error | null | undefined) => void) => void,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const disarm = this.#arm(() => this.close());
      send((error) => {
        disarm();
        if (error === undefined || error === null) resolve();
        else reject(this.#failed(error, mayCommit));
      });
    });
  }

  async #perform(
    mayCommit: boolean,
    text: string,
    send: (request: Request) => void,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => {
        disarm();
        const failure = this.#failed(error, mayCommit);
        // A statement that was a transaction of its own has left none behind.
        if (mayCommit && this.#connection.inTransaction) this.close();
        reject(failure);
      };
      const request = new this.#settings.tedious.Request(text, (error) => {
        if (error !== undefined && error !== null) return fail(error);
        disarm();
        if (mayCommit && this.#connection.inTransaction) this.close();
        resolve();
      });
      const disarm = this.#arm(() => request.cancel());
      try {
        send(request);
      } catch (error) {
        fail(error);
      }
    });
  }

  #arm(late: () => void): () => void {
    const { clock, limits } = this.#settings;
    return clock.setTimer(limits.statementTimeoutMs, late);
  }

  /** A connection that timed out or broke is given to nobody else. */
  #failed(error: unknown, mayCommit: boolean): SqlError {
    const failure = requestError(error, { mayCommit });
    if (failure.kind === "timeout" || failure.kind === "lost") this.close();
    return failure;
  }
}

function configurationOf({ address, limits }: ConnectionSettings): ConnectionConfiguration {
  const { host, port, user, password, database, tls, tlsCa } = address;
  return {
    server: host,
    authentication: { type: "default", options: { userName: user, password } },
    options: {
      port,
      database,
      appName: "troupe",
      encrypt: tls !== "off",
      trustServerCertificate: tls !== "verify",
      ...(tlsCa === "" ? {} : { cryptoCredentialsDetails: { ca: tlsCa } }),
      connectTimeout: limits.connectTimeoutMs,
      // Requests are timed by the host's clock; this one ends a connection that ignores a cancel.
      requestTimeout: 0,
      cancelTimeout: limits.connectTimeoutMs,
      maxRetriesOnTransientErrors: 0,
      // XACT_ABORT: any error of a statement rolls its transaction back.
      abortTransactionOnError: true,
      useColumnNames: false,
      rowCollectionOnDone: false,
      rowCollectionOnRequestCompletion: false,
    },
  };
}
