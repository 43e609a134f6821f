import { SqlError, type SqlErrorKind } from "../kit/sql/sql-client.ts";

/** Numbers of SQL Server's messages whose meaning matters here; whatever is missing is `other`. */
const KINDS: Readonly<Partial<Record<SqlErrorKind, readonly number[]>>> = {
  // Deadlock; no locks or memory left; snapshot and in-memory conflicts. All have rolled back.
  retry: [1205, 1204, 8645, 3960, 3961, 41301, 41302, 41305, 41325, 41839],
  timeout: [1222, -2],
  duplicate: [2627, 2601],
  // File group, log and edition full; quota of a hosted database.
  full: [1105, 1101, 9002, 1827, 40544],
  permission: [229, 230, 262, 297, 300, 15247],
  login: [18456, 18452, 18470, 18486, 18487, 18488, 4060, 4064, 916],
  schema: [207, 208, 213, 201, 1088, 2812, 4902],
  // Paused, read-only after a failover, shutting down, starting or recovering; no resources; the replica or database moves.
  unreachable: [
    17142, 3906, 17187, 17188, 17189, 17197, 18401, 904, 922, 927, 976, 978, 983, 6005, 10928,
    10929, 40197, 40501, 40540, 40613, 49918, 49919, 49920,
  ],
  lost: [596],
};

const KIND_BY_NUMBER: ReadonlyMap<number, SqlErrorKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, numbers]) =>
    numbers.map((number) => [number, kind as SqlErrorKind] as const),
  ),
);

/** What SQL Server means by a message of this number. */
export function kindOfNumber(number: number): SqlErrorKind {
  return KIND_BY_NUMBER.get(number) ?? "other";
}

/** Kinds whose messages name tables, files and rights; those of others may quote a value that was sent. */
const NAMES_OBJECTS: ReadonlySet<SqlErrorKind> = new Set<SqlErrorKind>([
  "schema",
  "permission",
  "full",
  "retry",
]);

/** How far a request had come when it failed. */
export interface RequestProgress {
  /** The server may have committed, had it received everything. */
  readonly mayCommit: boolean;
}

interface Said {
  readonly message: string;
  readonly number: number | undefined;
  readonly code: string;
}

/** What an error of the library says, whatever class it is of: a compiled binary renames classes. */
function saidBy(error: unknown): readonly Said[] {
  if (typeof error !== "object" || error === null) {
    return [{ message: String(error), number: undefined, code: "" }];
  }
  if ("errors" in error && Array.isArray(error.errors)) return error.errors.flatMap(saidBy);
  return [
    {
      message: "message" in error ? String(error.message) : "",
      number: "number" in error && typeof error.number === "number" ? error.number : undefined,
      code: "code" in error && typeof error.code === "string" ? error.code : "",
    },
  ];
}

/** The error for a request that failed on a connection that was logged in. */
export function requestError(error: unknown, { mayCommit }: RequestProgress): SqlError {
  const said = saidBy(error);
  const numbered = said.filter(({ number }) => number !== undefined);
  if (numbered.length > 0) {
    const telling = numbered.find(({ number }) => kindOfNumber(number ?? 0) !== "other");
    const { number = 0, message } = telling ?? numbered[0] ?? { number: 0, message: "" };
    const kind = kindOfNumber(number);
    const said = NAMES_OBJECTS.has(kind) ? `${number}: ${oneLine(message)}` : `${number}`;
    const text = `sql server refused a statement (${said})`;
    const mayHaveCommitted = kind === "lost" && mayCommit;
    return new SqlError(kind, text, { serverCode: String(number), mayHaveCommitted, cause: error });
  }
  const code = said.find((one) => one.code !== "")?.code ?? "";
  if (code === "ECANCEL" || code === "ETIMEOUT") {
    const text = "a statement took too long and was cancelled";
    return new SqlError("timeout", text, { mayHaveCommitted: mayCommit, cause: error });
  }
  if (code === "EINVALIDSTATE") {
    return new SqlError("unreachable", "the connection was closed before use", { cause: error });
  }
  if (code === "EPARAM" || error instanceof TypeError) {
    return new SqlError("other", "a parameter cannot be sent", { cause: error });
  }
  const text = "the connection to sql server broke";
  return new SqlError("lost", text, { mayHaveCommitted: mayCommit, cause: error });
}

/** Codes of OpenSSL and of the runtime for a certificate that is not trusted. */
const TLS_CODE = /CERT|SSL|TLS|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|EENCRYPT|EPROTO/;

/** What was seen of a connection that was never made. */
export interface ConnectProgress {
  /** Messages of the server, by number, in the order they came. */
  readonly numbers: readonly number[];
  /** `host:port`, for the message. */
  readonly address: string;
}

/** The error for a connection that could not be made: nothing of a caller's was sent. */
export function connectError(error: unknown, { numbers, address }: ConnectProgress): SqlError {
  const telling = numbers.find((number) => kindOfNumber(number) !== "other") ?? numbers[0];
  if (telling !== undefined) {
    const kind = kindOfNumber(telling);
    const text =
      kind === "login"
        ? `sql server at ${address} refuses the login (${telling})`
        : `sql server at ${address} refuses connections (${telling})`;
    const serverCode = String(telling);
    return new SqlError(kind === "login" ? "login" : "unreachable", text, { serverCode });
  }
  const codes = causesOf(error).flatMap(saidBy);
  const untrusted = codes.find(({ code }) => TLS_CODE.test(code));
  if (untrusted !== undefined) {
    const text = `no secure connection to sql server at ${address} (${untrusted.code})`;
    return new SqlError("tls", text, { serverCode: untrusted.code, cause: error });
  }
  const code = codes.map((one) => one.code).findLast((one) => one !== "") ?? "";
  if (code === "ELOGIN") {
    return new SqlError("login", `sql server at ${address} refuses the login`, { cause: error });
  }
  const text = `sql server at ${address} cannot be reached (${code === "" ? "no reason given" : code})`;
  return new SqlError("unreachable", text, { cause: error });
}

/** An error and what caused it, outermost first. */
function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one !== undefined && chain.length < 8; ) {
    chain.push(one);
    one = typeof one === "object" && one !== null && "cause" in one ? one.cause : undefined;
  }
  return chain;
}

/** The beginning of a message, without its line ends. */
function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, " ").slice(0, 120);
}
