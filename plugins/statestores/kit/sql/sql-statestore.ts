import type {
  ActorId,
  ClaimRequest,
  ClaimResult,
  CommitBatch,
  CommitResult,
  DedupRecord,
  History,
  MetaTable,
  Migrations,
  Outbox,
  Portability,
  ReadResult,
  Resealing,
  Schedules,
  Search,
  Seeds,
  Sessions,
  Statestore,
  StatestoreHost,
  TypeRegistry,
} from "../../../../src/contract/index.ts";
import { raise, StoreFailure } from "../failure.ts";
import { ActorTable } from "./actor-table.ts";
import { ClaimTable } from "./claim-table.ts";
import { CommitTable } from "./commit-table.ts";
import { DedupTable } from "./dedup-table.ts";
import type { SqlServer } from "./dialect.ts";
import { HistoryTable } from "./history-table.ts";
import { openSchema } from "./open-schema.ts";
import { openServer, startFailure } from "./open-server.ts";
import { OutboxTable } from "./outbox-table.ts";
import { PortableTables } from "./portable-table.ts";
import { NamedValueTable, TypeTable } from "./registry-table.ts";
import { ResealTable } from "./reseal-table.ts";
import { ScheduleTable } from "./schedule-table.ts";
import { SearchTable } from "./search-table.ts";
import { SessionTable } from "./session-table.ts";
import { SqlAccess } from "./sql-access.ts";
import type { ServerOptions } from "./server-address.ts";
import type { SqlClient, SqlLimits } from "./sql-client.ts";
import { StoreMigrations } from "./store-migrations.ts";

/** What of a server's options concerns the store; durations in milliseconds. */
export type SqlStoreOptions = Pick<
  ServerOptions,
  "poolSize" | "queueTarget" | "connectTimeout" | "migrate"
>;

/** How many commits are under way at once. */
const LANES = 4;
/** How long a second node waits while the first makes the schema. */
const SCHEMA_TIMEOUT_MS = 60_000;

/** State in a database that a server keeps. */
export class SqlStatestore implements Statestore {
  readonly durability = "durable";
  readonly exclusive = false;
  readonly lanes = LANES;
  readonly sessions: Sessions;
  readonly types: TypeRegistry;
  readonly meta: MetaTable;
  readonly search: Search;
  readonly history: History;
  readonly outbox: Outbox;
  readonly schedules: Schedules;
  readonly resealing: Resealing;
  readonly seeds: Seeds;
  readonly portability: Portability;
  readonly migrations: Migrations;
  readonly #host: StatestoreHost;
  readonly #server: SqlServer;
  readonly #options: SqlStoreOptions;
  readonly #access: SqlAccess;
  readonly #actors: ActorTable;
  readonly #claims: ClaimTable;
  readonly #commits: CommitTable;
  readonly #dedup: DedupTable;
  #client: SqlClient | undefined;
  #product = "";

  constructor(host: StatestoreHost, server: SqlServer, options: SqlStoreOptions) {
    const access = new SqlAccess(host, server.dialect);
    this.#host = host;
    this.#server = server;
    this.#options = options;
    this.#access = access;
    this.#actors = new ActorTable(access);
    this.#claims = new ClaimTable(access);
    this.#commits = new CommitTable(host, access);
    this.#dedup = new DedupTable(access);
    this.sessions = new SessionTable(access);
    this.types = new TypeTable(access);
    this.meta = new NamedValueTable(access);
    this.search = new SearchTable(access);
    this.history = new HistoryTable(access);
    this.outbox = new OutboxTable(access);
    this.schedules = new ScheduleTable(access);
    this.resealing = new ResealTable(access);
    this.seeds = { find: (actors) => this.#actors.seeds(actors) };
    this.portability = new PortableTables(access);
    this.migrations = new StoreMigrations(host, server, this.#startLimits());
  }

  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#prepare(signal);
      const client = this.#server.connect(this.#limits());
      this.#client = client;
      await client.open(signal);
      this.#access.open(client);
    } catch (error) {
      const refused = startFailure(error);
      throw refused instanceof StoreFailure ? raise(this.#host, refused.failure) : refused;
    }
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#access.attempts.close(signal);
    const client = this.#client;
    this.#client = undefined;
    await client?.close(signal);
  }

  async describe(): Promise<string> {
    return this.#product;
  }

  claim(request: ClaimRequest): Promise<readonly ClaimResult[]> {
    return this.#claims.claim(request);
  }

  epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    return this.#actors.epochs(actors);
  }

  dedup(actor: ActorId, requestId: string): Promise<DedupRecord | undefined> {
    return this.#dedup.find(actor, requestId);
  }

  commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    return this.#commits.commit(batch);
  }

  release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    return this.#actors.release(sessionId, actors);
  }

  read(actor: ActorId): Promise<ReadResult | undefined> {
    return this.#actors.read(actor);
  }

  prune(ageMs: number, keep: number, limit: number): Promise<number> {
    return this.#dedup.prune(ageMs, keep, limit);
  }

  #limits(): SqlLimits {
    const { poolSize, queueTarget, connectTimeout } = this.#options;
    const statementTimeoutMs = this.#host.queryTimeoutMs;
    return {
      poolSize,
      queueTargetMs: queueTarget,
      connectTimeoutMs: connectTimeout,
      statementTimeoutMs,
    };
  }

  /** Of a connection that may take its time. */
  #startLimits(): SqlLimits {
    return { ...this.#limits(), poolSize: 1, statementTimeoutMs: SCHEMA_TIMEOUT_MS };
  }

  /** Checks the server and brings the schema up to date. */
  async #prepare(signal: AbortSignal): Promise<void> {
    const client = this.#server.connect(this.#startLimits());
    try {
      const patienceMs = this.#options.connectTimeout;
      const facts = await openServer(this.#host, this.#server, client, patienceMs, signal);
      this.#product = facts.product;
      const { dialect } = this.#server;
      await openSchema(client, dialect, this.#host.cluster, this.#options.migrate);
    } finally {
      await client.close(signal);
    }
  }
}
