import postgres from "postgres";
import type { PluginClock } from "../../../src/contract/index.ts";
import {
  type SqlAddress,
  SqlError,
  type SqlLimits,
  type SqlResult,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
} from "../kit/sql/sql-client.ts";
import { connectError, statementError } from "./postgres-errors.ts";
import { type BackendKey, openSocket, placeOf, sendCancel } from "./postgres-socket.ts";

const OID_BYTEA = 17;
const OID_INT8 = 20;

/** How connections are made. */
export interface ConnectionSettings {
  readonly address: SqlAddress;
  readonly limits: SqlLimits;
  readonly clock: PluginClock;
  /**
   * Keep statements prepared and set the session's parameters. False behind a pooler that gives each
   * transaction another connection.
   */
  readonly prepare: boolean;
  /** Parameters of a session that keeps its connection. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * One connection to one server, which is used until it breaks and then never again. Statements run in
 * the order they are given, several may be under way.
 */
export class PostgresConnection {
  readonly #settings: ConnectionSettings;
  readonly #sql: postgres.Sql;
  readonly #connecting = new AbortController();
  #alive = true;

  private constructor(settings: ConnectionSettings) {
    const { address, prepare, parameters } = settings;
    this.#settings = settings;
    const options = {
      max: 1,
      user: address.user,
      pass: address.password,
      database: address.database,
      // The library makes no connection of its own: this one knows whether anything was sent.
      socket: () => openSocket(address, this.#connecting.signal),
      ssl: false,
      prepare,
      fetch_types: false,
      idle_timeout: null,
      max_lifetime: null,
      connect_timeout: null,
      keep_alive: 30,
      connection: { application_name: "troupe", ...(prepare ? parameters : {}) },
      // Bytes are bound as the text that `bound` makes of them, so that NULL has the same type.
      types: {
        bytea: { to: OID_BYTEA, from: [OID_BYTEA], serialize: same, parse: parseBytes },
        int8: { to: OID_INT8, from: [OID_INT8], serialize: String, parse: parseInteger },
      },
      onclose: () => this.#end(),
      onnotice: () => undefined,
    };
    this.#sql = postgres(options as unknown as postgres.Options<Record<string, never>>);
  }

  /** Connects and logs in within the limits. */
  static async open(settings: ConnectionSettings): Promise<PostgresConnection> {
    const connection = new PostgresConnection(settings);
    await connection.#login();
    return connection;
  }

  /** False once it broke. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Runs one statement. A failure after which the server's state is not known ends the connection. */
  async run(statement: SqlStatement, values: readonly SqlValue[]): Promise<SqlResult> {
    if (!this.#alive) throw new SqlError("unreachable", "the connection to the database is closed");
    const { prepare, limits, clock } = this.#settings;
    const parameters = values.map(bound);
    const query = this.#sql.unsafe(statement.text, parameters, {
      prepare: prepare && statement.prepared,
    });
    let late = false;
    const stop = clock.setTimer(limits.statementTimeoutMs, () => {
      late = true;
      this.#abandon(query);
    });
    try {
      const rows = await query.values();
      return { rows: rows as unknown as readonly SqlRow[], changed: rows.count ?? 0 };
    } catch (cause) {
      if (late) {
        const message = `the database did not answer within ${limits.statementTimeoutMs} ms`;
        throw new SqlError("timeout", message, { mayHaveCommitted: true });
      }
      const error = statementError(cause);
      if (error.kind === "lost") this.#end();
      throw error;
    } finally {
      stop();
    }
  }

  /** Ends the connection; a statement under way is rejected. */
  async close(): Promise<void> {
    this.#alive = false;
    this.#connecting.abort();
    await this.#sql.end({ timeout: 0 });
  }

  async #login(): Promise<void> {
    const { limits, clock, address } = this.#settings;
    const place = placeOf(address);
    let late = false;
    let giveUp: (error: SqlError) => void = () => undefined;
    const deadline = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const stop = clock.setTimer(limits.connectTimeoutMs, () => {
      late = true;
      this.#connecting.abort();
      const message = `${place} cannot be reached within ${limits.connectTimeoutMs} ms`;
      giveUp(new SqlError("unreachable", message));
    });
    try {
      await Promise.race([this.#sql.unsafe("SELECT 1"), deadline]);
    } catch (error) {
      this.#end();
      throw late ? error : connectError(error, place);
    } finally {
      stop();
    }
  }

  /** Asks the server to stop, and waits no longer. */
  #abandon(query: object): void {
    const { address, clock, limits } = this.#settings;
    const { state } = query as { readonly state: BackendKey | null };
    this.#end();
    if (state === null) return;
    const attempt = new AbortController();
    const stop = clock.setTimer(limits.connectTimeoutMs, () => attempt.abort());
    // Best effort: a server that cannot be reached ends the statement by its own time-out.
    sendCancel(address, state, attempt.signal)
      .catch(() => undefined)
      .finally(stop);
  }

  #end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#connecting.abort();
    this.#sql.end({ timeout: 0 }).catch(() => undefined);
  }
}

const same = (value: string): string => value;

/** A value as the text that the protocol carries. */
function bound(value: SqlValue): string | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  return `\\x${value.toHex()}`;
}

function parseBytes(text: string): Uint8Array {
  return Buffer.from(text.slice(2), "hex");
}

function parseInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}
