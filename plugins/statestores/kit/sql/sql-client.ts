/**
 * A value on its way to or from a database server. Integer columns come back as `bigint` or as a
 * safe `number`, whatever the driver does of itself; binary columns as `Uint8Array`; text never with NUL.
 */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** Columns by position. */
export type SqlRow = readonly SqlValue[];

/**
 * One statement. Its text comes from constants and size buckets alone, never from input, so that the
 * number of different texts is bounded and each is prepared at most once per connection. Parameters
 * are written `$1 … $n` in the order of `values`; the driver rewrites them for its server.
 */
export interface SqlStatement {
  readonly text: string;
  /** Prepared and kept by the connection; false for what is run rarely, such as a migration. */
  readonly prepared: boolean;
}

/** What a statement came to: its rows, and how many rows it changed (not: found). */
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly changed: number;
}

/** Where statements are run: a pool (each on any connection) or one transaction. */
export interface SqlRunner {
  run(statement: SqlStatement, values: readonly SqlValue[]): Promise<SqlResult>;
}

/** What a connection is for: a lease must be renewed even while every other connection is busy. */
export type SqlPurpose = "work" | "lease";

/**
 * The narrow seam to a driver library: one pool of connections to one server. Every rejection is a
 * `SqlError`. After the server was away the next call connects again; nothing waits longer than the
 * time-outs that the client was made with.
 */
export interface SqlClient {
  /** Proves that the server can be reached and lets this user in. */
  open(signal: AbortSignal): Promise<void>;
  /** Ends every connection; statements under way are rejected. Harmless when repeated. */
  close(signal: AbortSignal): Promise<void>;
  /** One statement in a transaction of its own. */
  run(
    statement: SqlStatement,
    values: readonly SqlValue[],
    purpose?: SqlPurpose,
  ): Promise<SqlResult>;
  /**
   * Runs `body` between BEGIN and COMMIT on one connection; rolls back if it rejects. If the
   * answer to the COMMIT does not arrive, the rejection says `mayHaveCommitted`.
   */
  transaction<T>(body: (runner: SqlRunner) => Promise<T>, purpose?: SqlPurpose): Promise<T>;
}

/**
 * What a failure means, whichever server said it.
 * `unreachable`: no connection could be made, nothing was sent. `busy`: no connection became free in
 * time, nothing was sent. `lost`: the connection broke after something was sent. `retry`: the server rolled back and asks to repeat (serialisation, deadlock).
 * `timeout`: a statement took too long. `duplicate`: a unique index refused. `full`: no space.
 * `permission`: the user may not. `login`: wrong user, password or database. `tls`: no secure
 * connection. `schema`: a table, column or function is not as expected. `other`: anything else.
 */
export type SqlErrorKind =
  | "unreachable"
  | "busy"
  | "lost"
  | "retry"
  | "timeout"
  | "duplicate"
  | "full"
  | "permission"
  | "login"
  | "tls"
  | "schema"
  | "other";

/** A failure of a driver in words of this kit. The message never holds a password or a parameter. */
export class SqlError extends Error {
  override readonly name = "SqlError";
  readonly kind: SqlErrorKind;
  /** The server's own code, such as an SQLSTATE; "" if it gave none. */
  readonly serverCode: string;
  /** True if the server may have committed: it was asked to, and the answer did not arrive. */
  readonly mayHaveCommitted: boolean;

  constructor(
    kind: SqlErrorKind,
    message: string,
    { serverCode = "", mayHaveCommitted = false, cause }: SqlErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.serverCode = serverCode;
    this.mayHaveCommitted = mayHaveCommitted;
  }
}

/** What is known of a failure besides its kind. */
export interface SqlErrorDetails {
  readonly serverCode?: string;
  readonly mayHaveCommitted?: boolean;
  readonly cause?: unknown;
}

/** How a server is reached, read from the plug-in's options. */
export interface SqlAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of host and port, or "". */
  readonly socketPath: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `off`: in the clear. `on`: encrypted, any certificate. `verify`: encrypted, certificate and name checked. */
  readonly tls: "off" | "on" | "verify";
  /** PEM of the authorities to trust, or "" for the system's. */
  readonly tlsCa: string;
}

/** Bounds of a client. */
export interface SqlLimits {
  /** Connections for work, besides the one that leases have to themselves. */
  readonly poolSize: number;
  /** Longest wait for a free connection. */
  readonly queueTargetMs: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}
