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

/** How many rows a step looks at, so that commits get their turn between steps. */
const STEP_ROWS = 5_000;

const PURPOSES = [
  { purpose: "state", table: "actors", value: "state", label: "state_type", revision: "revision" },
  {
    purpose: "history",
    table: "history",
    value: "state",
    label: "state_type",
    revision: "revision",
  },
  { purpose: "dedup", table: "dedup", value: "reply", label: "request_id", revision: "revision" },
  { purpose: "outbox", table: "outbox", value: "body", label: "id", revision: "revision" },
  { purpose: "schedule", table: "schedules", value: "body", label: "name", revision: "0" },
] as const;

interface PurposeStatements {
  readonly purpose: SealedRow["purpose"];
  readonly end: SqlStatement;
  readonly find: SqlStatement;
  readonly replace: SqlStatement;
  readonly count: SqlStatement;
}

/** Sealed values under other keys. An envelope of version 1 has its key id in bytes 2 to 9. */
export class ResealTable {
  readonly #connection: SqliteConnection;
  readonly #purposes: readonly PurposeStatements[];

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#purposes = PURPOSES.map(({ purpose, table, value, label, revision }) => ({
      purpose,
      end: connection.prepare(
        `SELECT max(number) FROM
           (SELECT number FROM ${table} WHERE number > ? ORDER BY number LIMIT ${STEP_ROWS})`,
      ),
      find: connection.prepare(
        `SELECT t.number, a.system, a.type, a.key, ${revision === "0" ? "0" : `t.${revision}`},
                t.${label}, t.${value}
           FROM ${table} t JOIN actors a ON a.number = t.${table === "actors" ? "number" : "actor"}
          WHERE t.number > ? AND t.number <= ? AND t.${value} IS NOT NULL
            AND (substr(t.${value}, 1, 1) <> x'01' OR substr(t.${value}, 3, 8) <> ?)
          ORDER BY t.number LIMIT ?`,
      ),
      replace: connection.prepare(
        `UPDATE ${table} SET ${value} = ? WHERE number = ? AND ${value} = ?`,
      ),
      count: connection.prepare(
        `SELECT CASE WHEN substr(${value}, 1, 1) = x'01'
                     THEN lower(hex(substr(${value}, 3, 8))) ELSE '' END, count(*)
           FROM ${table} WHERE ${value} IS NOT NULL GROUP BY 1`,
      ),
    }));
  }

  step({ purpose: index, after }: ResealPosition, keyId: Uint8Array, limit: number): ResealStep {
    return this.#connection.read(() => {
      const statements = this.#purposes[index];
      if (statements === undefined) return { rows: [], next: undefined };
      const end = statements.end.get(after)?.[0] ?? null;
      if (end === null) {
        const last = index + 1 === this.#purposes.length;
        return { rows: [], next: last ? undefined : { purpose: index + 1, after: 0 } };
      }
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

  countByKey(): ReadonlyMap<string, number> {
    return this.#connection.read(() => {
      const counts = new Map<string, number>();
      for (const { count } of this.#purposes) {
        for (const [key, rows] of count.all()) {
          counts.set(String(key), (counts.get(String(key)) ?? 0) + Number(rows));
        }
      }
      return counts;
    });
  }
}

function view(purpose: SealedRow["purpose"], row: SqlRow): SealedRow {
  const [rowId, system, type, key, revision, label, before] = row;
  return {
    purpose,
    rowId: Number(rowId),
    actor: { system: String(system), type: String(type), key: String(key) },
    revision: Number(revision),
    label: String(label),
    before: before as Uint8Array,
  };
}
