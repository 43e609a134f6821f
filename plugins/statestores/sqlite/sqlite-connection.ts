import type { Outcome } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import type { SqlDatabase, SqlDriver, SqlStatement } from "./driver.ts";
import { NOW } from "./migrations.ts";

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

/** Moves the log into the database file, and cuts it to nothing. */
const TRUNCATE_LOG = "PRAGMA wal_checkpoint(TRUNCATE)";
/** What is deleted is overwritten in pages that stay in use; this costs no more writing. */
export const ERASE_CELLS = "PRAGMA secure_delete = FAST";
/** Pages that fall out of use are overwritten as well. */
const ERASE_PAGES = "PRAGMA secure_delete = ON";

/** How long a statement waits for another process. */
export const BUSY_TIMEOUT_MS = 5_000;
const CUT_TIMEOUT_MS = 20;

const RETRY_BUSY_MS = 100;
const RETRY_FULL_MS = 5_000;

/** One connection with its transactions. All work on it is synchronous, so nothing interleaves. */
export class SqliteConnection {
  readonly #driver: SqlDriver;
  readonly #db: SqlDatabase;
  readonly #begin: SqlStatement;
  readonly #commit: SqlStatement;
  readonly #rollback: SqlStatement;
  readonly #now: SqlStatement;
  readonly #truncateLog: SqlStatement;
  #logIsUncut = false;

  constructor(driver: SqlDriver, db: SqlDatabase) {
    this.#driver = driver;
    this.#db = db;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#now = db.prepare(`SELECT ${NOW}`);
    this.#truncateLog = db.prepare(TRUNCATE_LOG);
  }

  prepare(sql: string): SqlStatement {
    return this.#db.prepare(sql);
  }

  /** The store's clock, milliseconds since 1970. */
  nowMs(): number {
    return Number(this.#now.get()?.[0]);
  }

  /** Runs reads; a failure of SQLite becomes a `StoreFailure`. */
  read<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#failure(error, "not_applied");
    }
  }

  /**
   * Runs `body` in one write transaction at `nowMs`, the store's clock. A failure before the commit
   * changed nothing; one of the commit itself is `unknown`, unless SQLite says that it was refused.
   */
  write<T>(body: (nowMs: number) => T): T {
    let result: T;
    try {
      this.#begin.run();
    } catch (error) {
      throw this.#failure(error, "not_applied");
    }
    try {
      result = body(this.nowMs());
    } catch (error) {
      this.#abandon();
      throw this.#failure(error, "not_applied");
    }
    try {
      this.#commit.run();
    } catch (error) {
      const code = this.#driver.errorCode(error);
      const refused = this.#abandon() && (code === BUSY || code === FULL);
      throw this.#failure(error, refused ? "not_applied" : "unknown");
    }
    if (this.#logIsUncut) this.cutLog();
    return result;
  }

  /**
   * Runs `work`, and afterwards nothing that its transactions deleted is left in the database file
   * or in its log: freed pages are overwritten, and the log is moved into the file and cut to
   * nothing. Where another process reads the log at that moment, a later write cuts it.
   */
  erasing<T>(work: () => T): T {
    this.#db.exec(ERASE_PAGES);
    try {
      return work();
    } finally {
      this.#db.exec(ERASE_CELLS);
      this.cutLog();
    }
  }

  /**
   * Moves the log into the file and cuts it to nothing; if that cannot be done now, a later write
   * tries again. What has been committed stays so, whatever comes of this.
   */
  cutLog(): void {
    this.#logIsUncut = true;
    this.#db.exec(`PRAGMA busy_timeout = ${CUT_TIMEOUT_MS}`);
    try {
      this.#logIsUncut = this.#truncateLog.get()?.[0] !== 0n;
    } catch (error) {
      if (this.#driver.errorCode(error) === undefined) throw error;
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** True if SQLite says that the database file itself is damaged there. */
  isDamage(error: unknown): boolean {
    const code = this.#driver.errorCode(error);
    return code === CORRUPT || code === NOT_A_DATABASE;
  }

  /** Closes; the last connection to a database moves its log into the file. */
  close(): void {
    this.#db.close();
  }

  #abandon(): boolean {
    try {
      this.#rollback.run();
      return true;
    } catch (error) {
      // SQLite has rolled back by itself; then there is no transaction to end.
      if (this.#driver.errorCode(error) === undefined) throw error;
      return false;
    }
  }

  #failure(error: unknown, outcome: Outcome): unknown {
    const code = this.#driver.errorCode(error);
    return code === undefined ? error : sqliteFailure(code, String(error), outcome);
  }
}

/** A result code of SQLite in the server's words. */
export function sqliteFailure(code: number, cause: string, outcome: Outcome): StoreFailure {
  const unavailable = (message: string, reason: string, retryAfterMs: number) =>
    new StoreFailure("state.unavailable", message, outcome, { reason, retryAfterMs, cause });
  switch (code) {
    case FULL:
      return unavailable("the disk of the statestore is full", "STORE_FULL", RETRY_FULL_MS);
    case BUSY:
    case LOCKED:
      return unavailable("another process holds the statestore", "STORE_BUSY", RETRY_BUSY_MS);
    case READONLY:
      return unavailable("the statestore is read-only", "STORE_READONLY", RETRY_FULL_MS);
    case IO_ERROR:
    case CANNOT_OPEN:
      return unavailable("the statestore cannot be read or written", "STORE_IO", RETRY_FULL_MS);
    case CORRUPT:
    case NOT_A_DATABASE:
      return new StoreFailure("state.corrupt", "the statestore is damaged", outcome, {
        reason: "STORE_CORRUPT",
        cause,
      });
    default:
      return new StoreFailure("internal.bug", `sqlite refused a statement (${code})`, outcome, {
        cause,
      });
  }
}
