import type { SealedRow } from "../../../src/contract/index.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Where a walk over all sealed values stands. */
export interface ResealPosition {
  /** Index of the purpose, in the order they are walked. */
  readonly purpose: number;
  /** The last row number looked at. */
  readonly after: number;
}

/** What one step of the walk found, and where the next begins; `undefined` at the end of all. */
export interface ResealStep {
  readonly rows: readonly SealedRow[];
  readonly next: ResealPosition | undefined;
}

/** What one step of a count found: key ids, each with a number of rows. */
export interface CountStep {
  readonly counts: readonly (readonly [string, number])[];
  readonly next: ResealPosition | undefined;
}

/** How many rows a step looks at, so that commits get their turn between steps. */
const STEP_ROWS = 5_000;

interface Purpose {
  readonly purpose: SealedRow["purpose"];
  readonly table: string;
  /** The column with the row's own number, and the one with its actor's. */
  readonly number: string;
  readonly actor: string;
  readonly value: string;
  readonly label: string;
  readonly revision: string;
}

const PURPOSES: readonly Purpose[] = [
  purposeOf("state", "actors", "state", "t.state_type", "t.revision", "number"),
  purposeOf("history", "history", "state", "t.state_type", "t.revision"),
  purposeOf("dedup", "dedup", "reply", "t.request_id", "t.revision"),
  purposeOf("outbox", "outbox", "body", "t.id", "t.revision"),
  purposeOf("schedule", "schedules", "body", "t.name", "0"),
  { ...purposeOf("seed", "seeds", "wrapped", "''", "0"), number: "actor" },
];

function purposeOf(
  purpose: SealedRow["purpose"],
  table: string,
  value: string,
  label: string,
  revision: string,
  actor = "actor",
): Purpose {
  return { purpose, table, number: "number", actor, value, label, revision };
}

interface PurposeStatements {
  readonly purpose: SealedRow["purpose"];
  readonly end: SqlStatement;
  readonly find: SqlStatement;
  readonly replace: SqlStatement;
  readonly count: SqlStatement;
}

/**
 * Sealed values that are not as they should be. An envelope of version 1 has its algorithm in byte 1
 * and its key id in bytes 2 to 9.
 */
export class ResealTable {
  readonly #connection: SqliteConnection;
  readonly #purposes: readonly PurposeStatements[];

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#purposes = PURPOSES.map((purpose) => statementsOf(connection, purpose));
  }

  step({ purpose: index, after }: ResealPosition, keyId: Uint8Array, limit: number): ResealStep {
    return this.#connection.read(() => {
      const statements = this.#purposes[index];
      if (statements === undefined) return { rows: [], next: undefined };
      const end = statements.end.get(after)?.[0] ?? null;
      if (end === null) return { rows: [], next: this.#beyond(index) };
      const found = statements.find.all(after, end, keyId, limit);
      const rows = found.map((row) => view(statements.purpose, row));
      const seen = rows.length === limit ? (rows.at(-1)?.rowId ?? after) : Number(end);
      return { rows, next: { purpose: index, after: seen } };
    });
  }

  replace(row: SealedRow, sealed: Uint8Array): boolean {
    const statements = this.#purposes.find(({ purpose }) => purpose === row.purpose);
    if (statements === undefined) return false;
    return this.#connection.write(() => statements.replace.run(sealed, row.rowId, row.before) > 0);
  }

  count({ purpose: index, after }: ResealPosition): CountStep {
    return this.#connection.read(() => {
      const statements = this.#purposes[index];
      if (statements === undefined) return { counts: [], next: undefined };
      const end = statements.end.get(after)?.[0] ?? null;
      if (end === null) return { counts: [], next: this.#beyond(index) };
      const found = statements.count.all(after, end);
      const counts = found.map(([key, rows]) => [String(key), Number(rows)] as const);
      return { counts, next: { purpose: index, after: Number(end) } };
    });
  }

  /** Where the walk goes on behind the last row of a purpose. */
  #beyond(index: number): ResealPosition | undefined {
    return index + 1 === this.#purposes.length ? undefined : { purpose: index + 1, after: 0 };
  }
}

function statementsOf(
  connection: SqliteConnection,
  { purpose, table, number, actor, value, label, revision }: Purpose,
): PurposeStatements {
  const sealed = `length(t.${value}) > 0`;
  const seedless =
    purpose === "seed" ? "" : ` OR (w.wrapped IS NOT NULL AND substr(t.${value}, 2, 1) = x'01')`;
  return {
    purpose,
    end: connection.prepare(
      `SELECT max(n) FROM
         (SELECT ${number} n FROM ${table} WHERE ${number} > ? ORDER BY n LIMIT ${STEP_ROWS})`,
    ),
    find: connection.prepare(
      `SELECT t.${number}, a.system, a.type, a.key, ${revision}, ${label}, t.${value},
              ${purpose === "seed" ? "NULL" : "w.wrapped"}
         FROM ${table} t JOIN actors a ON a.number = t.${actor}
                         LEFT JOIN seeds w ON w.actor = a.number
        WHERE t.${number} > ? AND t.${number} <= ? AND ${sealed}
          AND (substr(t.${value}, 1, 1) <> x'01' OR substr(t.${value}, 3, 8) <> ?${seedless})
        ORDER BY t.${number} LIMIT ?`,
    ),
    replace: connection.prepare(
      `UPDATE ${table} SET ${value} = ? WHERE ${number} = ? AND ${value} = ?`,
    ),
    count: connection.prepare(
      `SELECT CASE WHEN substr(t.${value}, 1, 1) = x'01'
                   THEN lower(hex(substr(t.${value}, 3, 8))) ELSE '' END, count(*)
         FROM ${table} t WHERE t.${number} > ? AND t.${number} <= ? AND ${sealed} GROUP BY 1`,
    ),
  };
}

function view(purpose: SealedRow["purpose"], row: SqlRow): SealedRow {
  const [rowId, system, type, key, revision, label, before, seed] = row;
  return {
    purpose,
    rowId: Number(rowId),
    actor: { system: String(system), type: String(type), key: String(key) },
    revision: Number(revision),
    label: String(label),
    before: before as Uint8Array,
    ...(seed instanceof Uint8Array && { seed }),
  };
}
