import { Database, type SQLQueryBindings } from "bun:sqlite";
import type { SqlDriver, SqlRow, SqlValue } from "./driver.ts";

/** SQLite as Bun has it built in. */
export const bunDriver: SqlDriver = {
  open(path) {
    const db = new Database(path, {
      readwrite: true,
      create: true,
      strict: true,
      safeIntegers: true,
    });
    const statements: { finalize(): void }[] = [];
    return {
      exec: (sql) => {
        db.run(sql);
      },
      prepare(sql) {
        const statement = db.prepare<unknown, SQLQueryBindings[]>(sql);
        statements.push(statement);
        const all = (...parameters: SqlValue[]) => statement.values(...parameters) as SqlRow[];
        return {
          run: (...parameters) => statement.run(...parameters).changes,
          get: (...parameters) => all(...parameters)[0],
          all,
        };
      },
      close() {
        // A statement that is left over would keep the file and its locks open until it is collected.
        for (const statement of statements) statement.finalize();
        db.close(true);
      },
    };
  },

  errorCode(error) {
    if (!(error instanceof Error) || !("errno" in error)) return undefined;
    return typeof error.errno === "number" ? error.errno & 0xff : undefined;
  },
};
