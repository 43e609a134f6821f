import mysql, { type Connection, type ConnectionOptions, type FieldPacket } from "mysql2";
import type { SqlAddress, SqlError, SqlResult, SqlRow, SqlValue } from "../kit/sql/sql-client.ts";
import { MAX_PREPARED, type MysqlConnection, type MysqlDriver } from "./driver.ts";
import { connectError, lostError, serverError } from "./server-error.ts";

/** MySQL through `mysql2`, for the runtimes without a client of their own. */
export const nodeDriver: MysqlDriver = {
  connect(address, timeoutMs, ended) {
    return new Promise((resolve, reject) => {
      const connection = mysql.createConnection({
        ...optionsOf(address),
        connectTimeout: timeoutMs,
      });
      const made = new NodeConnection(connection);
      const fail = (error: unknown) => {
        made.end(lostError(libraryError(error).code));
        ended();
        reject(connectFailure(error, address));
      };
      // Also for what comes later: without a listener an error would end the process.
      connection.on("error", fail);
      connection.on("end", () => fail({ code: "PROTOCOL_CONNECTION_LOST" }));
      connection.once("connect", () => resolve(made));
    });
  },
};

function optionsOf(address: SqlAddress): ConnectionOptions {
  const place =
    address.socketPath === ""
      ? { host: address.host, port: address.port }
      : { socketPath: address.socketPath };
  return {
    ...place,
    ...tlsOf(address),
    user: address.user,
    password: address.password,
    database: address.database,
    charset: "utf8mb4_bin",
    // Found rows would count a lost compare-and-set like a won one.
    flags: ["-FOUND_ROWS"],
    rowsAsArray: true,
    supportBigNumbers: true,
    maxPreparedStatements: MAX_PREPARED,
    multipleStatements: false,
  };
}

function tlsOf({ tls, tlsCa }: SqlAddress): Pick<ConnectionOptions, "ssl"> {
  if (tls === "off") return {};
  if (tls === "on") return { ssl: { rejectUnauthorized: false } };
  const ca = tlsCa === "" ? {} : { ca: tlsCa };
  return { ssl: { ...ca, rejectUnauthorized: true, verifyIdentity: true } };
}

class NodeConnection implements MysqlConnection {
  readonly #connection: Connection;
  /** How to reject what is under way: the library forgets it when it is told to end. */
  readonly #waiting = new Set<(error: SqlError) => void>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  run(text: string, values: readonly SqlValue[], prepared: boolean): Promise<SqlResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const answer = (error: unknown, result: unknown, fields: FieldPacket[] | undefined) => {
        this.#waiting.delete(reject);
        if (error) reject(queryFailure(error));
        else resolve(resultOf(result, fields));
      };
      if (!prepared && values.length === 0) {
        this.#connection.query({ sql: text, rowsAsArray: true }, answer);
        return;
      }
      this.#connection.execute({ sql: text, values: values.map(toParameter) }, answer);
      if (!prepared) this.#connection.unprepare(text);
    });
  }

  destroy(): void {
    // With a farewell, without which the server would log a warning; but not to one that is silent.
    if (this.#waiting.size === 0) this.#connection.end();
    else this.end(lostError("it was closed"));
  }

  end(error: SqlError): void {
    this.#connection.destroy();
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

/** Integers as such, not as floating point numbers or text; bytes as binary, not as characters. */
function toParameter(value: SqlValue) {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    return mysql.TypedParameter.BIGINT(value);
  }
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const LONGLONG = 8;

function resultOf(result: unknown, fields: FieldPacket[] | undefined): SqlResult {
  if (!Array.isArray(result)) {
    const { affectedRows } = result as { readonly affectedRows: number };
    return { rows: [], changed: affectedRows };
  }
  const rows = result as SqlValue[][];
  for (const row of rows) {
    for (const [index, value] of row.entries()) {
      // A buffer is a view of the whole packet; a copy lets the packet go.
      if (value instanceof Uint8Array) row[index] = new Uint8Array(value);
      else if (typeof value === "string" && fields?.[index]?.columnType === LONGLONG) {
        row[index] = BigInt(value);
      }
    }
  }
  return { rows: rows as readonly SqlRow[], changed: 0 };
}

interface LibraryError {
  readonly code: string;
  readonly errno: number;
  readonly message: string;
}

/** The code of what a server says unasked, as when it ends an idle connection, is a number. */
function libraryError(error: unknown): LibraryError {
  const { code = "UNKNOWN", errno = 0, message = "" } = error as Partial<LibraryError>;
  return { code: String(code), errno, message };
}

const FIRST_SERVER_ERROR = 1000;

function queryFailure(error: unknown): SqlError {
  const { code, errno, message } = libraryError(error);
  return errno >= FIRST_SERVER_ERROR ? serverError(errno, message) : lostError(code);
}

function connectFailure(error: unknown, address: SqlAddress): SqlError {
  const { code, errno, message } = libraryError(error);
  if (errno >= FIRST_SERVER_ERROR) return serverError(errno, message);
  if (code === "HANDSHAKE_NO_SSL_SUPPORT") {
    return connectError("tls", address, "the server offers none");
  }
  if (code === "HANDSHAKE_SSL_ERROR") return connectError("tls", address, message);
  if (code.startsWith("AUTH_SWITCH")) return connectError("login", address, code);
  return connectError("unreachable", address, code);
}
