import { SQL } from "bun";
import {
  type SqlAddress,
  type SqlError,
  type SqlResult,
  type SqlRow,
  type SqlValue,
} from "../kit/sql/sql-client.ts";
import type { MysqlConnection, MysqlDriver } from "./driver.ts";
import { connectError, lostError, serverError } from "./server-error.ts";

/** MySQL as Bun has it built in. */
export const bunDriver: MysqlDriver = {
  async connect(address, timeoutMs, ended) {
    const pool = new SQL("mysql://localhost", {
      ...optionsOf(address),
      connectionTimeout: timeoutMs / 1000,
      onclose: ended,
    });
    try {
      // A pool of one, reserved for as long as it lasts: it cannot connect again behind our back.
      return new BunConnection(pool, await pool.reserve());
    } catch (error) {
      close(pool);
      throw connectFailure(error, address);
    }
  },
};

function close(pool: SQL): void {
  pool.close({ timeout: 0 }).catch(() => undefined);
}

/** Every option that could else come from the environment is given. */
function optionsOf(address: SqlAddress) {
  return {
    adapter: "mysql" as const,
    hostname: address.host,
    port: address.port,
    path: address.socketPath === "" ? undefined : address.socketPath,
    username: address.user,
    password: address.password,
    database: address.database,
    max: 1,
    bigint: true,
    foundRows: false,
    idleTimeout: 0,
    maxLifetime: 0,
    tls: tlsOf(address),
    // In the clear only where the operator trusts the network; an account may need it to log in.
    allowPublicKeyRetrieval: address.tls === "off",
  };
}

function tlsOf({ tls, tlsCa }: SqlAddress) {
  if (tls === "off") return "disable" as const;
  if (tls === "on") return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ...(tlsCa === "" ? {} : { ca: tlsCa }) };
}

class BunConnection implements MysqlConnection {
  readonly #pool: SQL;
  readonly #sql: SQL;

  constructor(pool: SQL, sql: SQL) {
    this.#pool = pool;
    this.#sql = sql;
  }

  async run(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    try {
      const query =
        values.length === 0 ? this.#sql.unsafe(text) : this.#sql.unsafe(text, values as SqlValue[]);
      const result = await query.values();
      return { rows: rowsOf(result), changed: result.affectedRows };
    } catch (error) {
      throw queryFailure(error);
    }
  }

  destroy(): void {
    close(this.#pool);
  }
}

/** Rows with plain byte arrays in place of buffers. */
function rowsOf(found: readonly SqlValue[][]): readonly SqlRow[] {
  for (const row of found) {
    for (const [index, value] of row.entries()) {
      if (value instanceof Uint8Array) {
        row[index] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      }
    }
  }
  return found;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "UNKNOWN";
}

/** The server's own error, or `undefined` if it is the library's. */
function answered(error: unknown): SqlError | undefined {
  if (!(error instanceof SQL.MySQLError) || !error.errno) return undefined;
  return serverError(error.errno, error.message);
}

function queryFailure(error: unknown): SqlError {
  return answered(error) ?? lostError(codeOf(error));
}

const LOGIN_CODES: ReadonlySet<string> = new Set([
  "ERR_MYSQL_PUBLIC_KEY_RETRIEVAL_NOT_ALLOWED",
  "ERR_MYSQL_UNSUPPORTED_AUTH_PLUGIN",
  "ERR_MYSQL_MISSING_AUTH_DATA",
  "ERR_MYSQL_INVALID_PUBLIC_KEY",
  "ERR_MYSQL_FAILED_TO_ENCRYPT_PASSWORD",
]);

function connectFailure(error: unknown, address: SqlAddress): SqlError {
  const found = answered(error);
  if (found !== undefined) return found;
  const code = codeOf(error);
  if (LOGIN_CODES.has(code)) return connectError("login", address, code);
  if (code === "ERR_MYSQL_AUTHENTICATION_FAILED") {
    if (address.tls === "off") return connectError("login", address, code);
    return connectError("tls", address, "the server offers none");
  }
  // Codes of certificates are not the adapter's own.
  const isTls = !code.startsWith("ERR_MYSQL_") && address.tls !== "off" && isCertificate(code);
  return connectError(isTls ? "tls" : "unreachable", address, code);
}

function isCertificate(code: string): boolean {
  return /CERT|TLS|SSL|UNABLE_TO|SIGNATURE/.test(code);
}
