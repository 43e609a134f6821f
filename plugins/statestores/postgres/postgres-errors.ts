import { SqlError, type SqlErrorKind } from "../kit/sql/sql-client.ts";

/** What an SQLSTATE means, by the whole code or else by its class. */
const MEANINGS: Readonly<Record<string, SqlErrorKind>> = {
  "40001": "retry",
  "40P01": "retry",
  "55P03": "retry",
  "57014": "timeout",
  "25P03": "timeout",
  "25P04": "timeout",
  "23505": "duplicate",
  "53100": "full",
  "53300": "unreachable",
  "53400": "unreachable",
  "57P03": "unreachable",
  // A server that only reads: a standby before or after it took over.
  "25006": "unreachable",
  "57P01": "lost",
  "57P02": "lost",
  "57P04": "lost",
  "57P05": "lost",
  "40003": "lost",
  "42501": "permission",
  "3D000": "login",
  "3F000": "schema",
  "42P01": "schema",
  "42703": "schema",
  "42883": "schema",
  "42704": "schema",
  "42P10": "schema",
  "08": "lost",
  "28": "login",
};

const TLS_CODES = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/;

/** The server may have committed although it said so: CockroachDB, when it lost sight of a commit. */
const AMBIGUOUS = "40003";

/** A failure of a statement that had been sent. */
export function statementError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const code = codeOf(error);
  if (isFromServer(error)) {
    const kind = MEANINGS[code] ?? MEANINGS[code.slice(0, 2)] ?? "other";
    return new SqlError(kind, serverMessage(code, error), {
      serverCode: code,
      mayHaveCommitted: code === AMBIGUOUS || code.startsWith("08"),
    });
  }
  const message = `the connection to the database broke (${code || messageOf(error)})`;
  return new SqlError("lost", message, { serverCode: code, mayHaveCommitted: true });
}

/** A failure to connect or to log in: nothing was sent. */
export function connectError(error: unknown, place: string): SqlError {
  if (error instanceof SqlError) return error;
  const code = codeOf(error);
  if (isFromServer(error)) {
    const kind = MEANINGS[code] ?? MEANINGS[code.slice(0, 2)] ?? "other";
    const known = kind === "lost" ? "unreachable" : kind;
    return new SqlError(known, `${place}: ${serverMessage(code, error)}`, { serverCode: code });
  }
  if (TLS_CODES.test(code)) {
    const message = `no secure connection to ${place} (${code}: ${messageOf(error)})`;
    return new SqlError("tls", message, { serverCode: code });
  }
  if (code.startsWith("SASL") || code === "AUTH_TYPE_NOT_IMPLEMENTED") {
    return new SqlError("login", `${place}: the login failed (${code})`, { serverCode: code });
  }
  const message = `${place} cannot be reached (${code || messageOf(error)})`;
  return new SqlError("unreachable", message, { serverCode: code });
}

function isFromServer(error: unknown): boolean {
  return error instanceof Error && "severity" in error && "routine" in error;
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return String(error.code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The server's words, except where they may quote a value that was bound. */
function serverMessage(code: string, error: unknown): string {
  return code.startsWith("22") ? `the database refused a value (${code})` : messageOf(error);
}
