import { ActorTable } from "./actor-table.ts";
import { decodeBatch, encodeResults } from "./commit-frame.ts";
import { CommitTable } from "./commit-table.ts";
import { DedupTable } from "./dedup-table.ts";
import type { SqlDatabase, SqlDriver } from "./driver.ts";
import { HistoryTable } from "./history-table.ts";
import { type OpenOptions, openStore } from "./open-store.ts";
import { OutboxTable } from "./outbox-table.ts";
import { PortabilityReader } from "./portability-reader.ts";
import { PortabilityWriter } from "./portability-writer.ts";
import { RegistryTable } from "./registry-table.ts";
import { ResealTable } from "./reseal-table.ts";
import { ScheduleTable } from "./schedule-table.ts";
import { SearchTable } from "./search-table.ts";
import { SeedTable } from "./seed-table.ts";
import { SessionTable } from "./session-table.ts";
import { SqliteConnection } from "./sqlite-connection.ts";

/** The whole store on one thread: every call is synchronous and a transaction by itself. */
export class SqliteEngine {
  readonly sessions: SessionTable;
  readonly actors: ActorTable;
  readonly dedup: DedupTable;
  readonly outbox: OutboxTable;
  readonly schedules: ScheduleTable;
  readonly history: HistoryTable;
  readonly search: SearchTable;
  readonly registry: RegistryTable;
  readonly reseal: ResealTable;
  readonly portabilityReader: PortabilityReader;
  readonly portabilityWriter: PortabilityWriter;
  readonly seeds: SeedTable;
  readonly #commits: CommitTable;
  readonly #connection: SqliteConnection;
  readonly #lock: SqlDatabase;

  /** Opens the store; throws a `StoreFailure` if it cannot be served. */
  constructor(driver: SqlDriver, options: OpenOptions) {
    const { db, lock } = openStore(driver, options);
    const connection = new SqliteConnection(driver, db);
    this.#lock = lock;
    this.#connection = connection;
    this.sessions = new SessionTable(connection);
    this.dedup = new DedupTable(connection);
    this.actors = new ActorTable(connection, this.sessions, this.dedup);
    this.outbox = new OutboxTable(connection);
    this.schedules = new ScheduleTable(connection);
    this.history = new HistoryTable(connection, options.mode === "shared");
    this.search = new SearchTable(connection);
    this.registry = new RegistryTable(connection);
    this.reseal = new ResealTable(connection);
    this.seeds = new SeedTable(connection);
    this.portabilityReader = new PortabilityReader(connection);
    this.portabilityWriter = new PortabilityWriter(connection, this);
    this.#commits = new CommitTable(connection, this);
    // A process that ended just after it shredded an actor has left the seed in the log.
    connection.cutLog();
  }

  /** Answers a commit frame in the buffer that brought it. */
  commit(frame: ArrayBuffer): ArrayBuffer {
    const batch = decodeBatch(frame);
    const shreds = batch.commits.some(({ shred }) => shred);
    const commit = () => this.#commits.commit(batch);
    const results = shreds ? this.#connection.erasing(commit) : commit();
    return encodeResults(batch.callId, results, frame);
  }

  version(): string {
    const version = this.#connection.prepare("SELECT sqlite_version()");
    return `SQLite ${String(this.#connection.read(() => version.get())?.[0])}`;
  }

  /** Moves the log into the database, closes it and lets the lock go. */
  close(): void {
    this.#connection.close();
    this.#lock.close();
  }
}
