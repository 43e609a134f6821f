import { DatabaseSync } from "node:sqlite";
import type { SqlDriver, SqlRow } from "./driver.ts";

/** SQLite as `node:sqlite` has it, for the runtimes without `bun:sqlite`. */
export const nodeDriver: SqlDriver = {
  open(path) {
    const db = new DatabaseSync(path);
    return {
      exec: (sql) => db.exec(sql),
      prepare(sql) {
        const statement = db.prepare(sql);
        statement.setReadBigInts(true);
        statement.setReturnArrays(true);
        return {
          run: (...parameters) => Number(statement.run(...parameters).changes),
          get: (...parameters) => statement.get(...parameters) as SqlRow | undefined,
          all: (...parameters) => statement.all(...parameters) as unknown as SqlRow[],
        };
      },
      close: () => db.close(),
    };
  },

  errorCode(error) {
    if (!(error instanceof Error) || !("errcode" in error)) return undefined;
    return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
  },
};
