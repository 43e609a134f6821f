import { type SqlAddress, SqlError, type SqlErrorKind } from "../kit/sql/sql-client.ts";

/** What the numbers of MySQL and MariaDB mean; the rest is `other`. */
const KINDS: readonly (readonly [SqlErrorKind, readonly number[]])[] = [
  // Deadlock, lock wait time-out, row changed since it was read, prepared statement out of date, too
  // many of them.
  ["retry", [1213, 1205, 1020, 1615, 1461]],
  // Execution time exceeded (MySQL, MariaDB), query interrupted.
  ["timeout", [3024, 1969, 1317]],
  ["duplicate", [1062, 1586]],
  // Disk full, table full, no space left while writing.
  ["full", [1021, 1114, 28]],
  // No right to a command, column, database or super's doings; a server or transaction that only reads.
  ["permission", [1142, 1143, 1044, 1227, 1370, 1290, 1836, 1792]],
  // Wrong password or user, unknown database, host not allowed, plug-in of the account unknown, expired.
  ["login", [1045, 1049, 1130, 1251, 1524, 1698, 1820, 1862]],
  // Too many connections, of all, of the user; a cluster's node that is not ready.
  ["unreachable", [1040, 1203, 1226, 1047]],
  // The server or the connection is being ended.
  ["lost", [1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031]],
  // Unknown table, column, routine; a table, column or index that is there, or not there, already.
  ["schema", [1146, 1054, 1305, 1050, 1051, 1060, 1061, 1091]],
];

const KIND_OF: ReadonlyMap<number, SqlErrorKind> = new Map(
  KINDS.flatMap(([kind, numbers]) => numbers.map((number) => [number, kind] as const)),
);

/** Kinds whose texts name tables, users and settings, and never a value. */
const SPEAKING: ReadonlySet<SqlErrorKind> = new Set([
  "retry",
  "timeout",
  "full",
  "permission",
  "login",
  "unreachable",
  "lost",
  "schema",
]);
const SYNTAX = 1064;
const WRITE_FAILED = 1026;

/** An error that the server answered with, told without what the caller's values were. */
export function serverError(number: number, message: string): SqlError {
  const isFull = number === WRITE_FAILED && message.includes("28");
  const kind = isFull ? "full" : (KIND_OF.get(number) ?? "other");
  const serverCode = String(number);
  return new SqlError(kind, `the server answered ${number}${detail(kind, number, message)}`, {
    serverCode,
  });
}

function detail(kind: SqlErrorKind, number: number, message: string): string {
  // Values are bound, so a text that cannot be parsed is the kit's own.
  if (SPEAKING.has(kind) || number === SYNTAX) return `: ${message}`;
  // "Duplicate entry '…' for key 'PRIMARY'": the entry is the caller's.
  const key = / for key '([\w.]+)'$/.exec(message)?.[1];
  return key === undefined ? "" : ` for key ${key}`;
}

/** No connection could be had. `why` is a library's code or an own short text. */
export function connectError(kind: SqlErrorKind, address: SqlAddress, why: string): SqlError {
  return new SqlError(
    kind,
    `${CONNECT_TEXTS[kind] ?? "cannot log in to"} ${placeOf(address)}: ${why}`,
  );
}

const CONNECT_TEXTS: Readonly<Partial<Record<SqlErrorKind, string>>> = {
  unreachable: "cannot reach the server at",
  timeout: "cannot reach the server in time at",
  tls: "no secure connection to the server at",
};

/** Where the server is, as messages say it. */
export function placeOf({ host, port, socketPath }: SqlAddress): string {
  if (socketPath !== "") return socketPath;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The connection broke with something under way. */
export function lostError(why: string): SqlError {
  return new SqlError("lost", `the connection to the server broke: ${why}`);
}
