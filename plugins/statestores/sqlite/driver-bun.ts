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
    return {
      exec: (sql) => {
        db.run(sql);
      },
      prepare(sql) {
        const statement = db.prepare<unknown, SQLQueryBindings[]>(sql);
        const all = (...parameters: SqlValue[]) => statement.values(...parameters) as SqlRow[];
        return {
          run: (...parameters) => statement.run(...parameters).changes,
          get: (...parameters) => all(...parameters)[0],
          all,
        };
      },
      close: () => db.close(),
    };
  },

  errorCode(error) {
    if (!(error instanceof Error) || !("errno" in error)) return undefined;
    return typeof error.errno === "number" ? error.errno & 0xff : undefined;
  },
};
