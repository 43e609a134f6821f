import type { StatestoreHost } from "../../../../src/contract/index.ts";
import { type AttemptKind, Attempts } from "./attempts.ts";
import { bucketOf, MAX_PLACES, prepared, type SqlDialect } from "./dialect.ts";
import {
  type SqlClient,
  SqlError,
  type SqlPurpose,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlStatement,
  type SqlValue,
} from "./sql-client.ts";

/** How the tables of a store reach the server: repeated as the host allows, failures in its words. */
export class SqlAccess {
  readonly dialect: SqlDialect;
  readonly attempts: Attempts;
  #client: SqlClient | undefined;

  constructor(host: StatestoreHost, dialect: SqlDialect) {
    this.dialect = dialect;
    this.attempts = new Attempts(host);
  }

  /** From now on statements go through `client`. */
  open(client: SqlClient): void {
    this.#client = client;
    this.attempts.open();
  }

  /** One statement in a transaction of its own. */
  run(
    statement: SqlStatement,
    values: readonly SqlValue[],
    kind: AttemptKind = "repeat",
    purpose: SqlPurpose = "work",
  ): Promise<SqlResult> {
    return this.attempt(kind, (client) => client.run(statement, values, purpose));
  }

  /** The rows of one statement that only reads. */
  async rows(statement: SqlStatement, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return (await this.run(statement, values)).rows;
  }

  transaction<T>(kind: AttemptKind, body: (runner: SqlRunner) => Promise<T>): Promise<T> {
    return this.attempt(kind, (client) => client.transaction(body));
  }

  attempt<T>(kind: AttemptKind, body: (client: SqlClient) => Promise<T>): Promise<T> {
    return this.attempts.run(kind, () => body(this.client));
  }

  /** For what runs inside of an attempt already. */
  get client(): SqlClient {
    if (this.#client === undefined) throw new SqlError("unreachable", "nothing is connected");
    return this.#client;
  }
}

/** A statement whose text depends on how many keys it is given: one text per size bucket. */
export class BucketedStatement {
  readonly #text: (bucket: number) => string;
  readonly #statements = new Map<number, SqlStatement>();

  constructor(text: (bucket: number) => string) {
    this.#text = text;
  }

  /** The statement for at most `MAX_PLACES` keys, and these padded by repeating the last. */
  for<Key>(keys: readonly Key[]): {
    readonly statement: SqlStatement;
    readonly keys: readonly Key[];
  } {
    const bucket = bucketOf(keys.length);
    let statement = this.#statements.get(bucket);
    if (statement === undefined) {
      statement = prepared(this.#text(bucket));
      this.#statements.set(bucket, statement);
    }
    const last = keys.at(-1);
    if (last === undefined || keys.length === bucket) return { statement, keys };
    return { statement, keys: [...keys, ...new Array<Key>(bucket - keys.length).fill(last)] };
  }
}

/** Cuts a list into pieces that a bucketed statement takes. */
export function pieces<T>(
  list: readonly T[],
  most: number = MAX_PLACES,
): readonly (readonly T[])[] {
  if (list.length <= most) return list.length === 0 ? [] : [list];
  const found: (readonly T[])[] = [];
  for (let at = 0; at < list.length; at += most) found.push(list.slice(at, at + most));
  return found;
}
