import { afterAll } from "bun:test";
import { MssqlClient } from "../../../plugins/statestores/mssql/driver.ts";
import mssql from "../../../plugins/statestores/mssql/plugin.ts";
import { serverAddress } from "../../../plugins/statestores/kit/sql/server-address.ts";
import { unprepared } from "../../../plugins/statestores/kit/sql/dialect.ts";
import type { Statestore } from "../../../src/contract/index.ts";
import { defaultOptions } from "../../support/tds/mssql-options.ts";
import { statestoreHost } from "./statestore-host.ts";

const VARIABLE = "TROUPE_TEST_MSSQL_URL";

/** How the databases of a test read: under locks, or from the versions that were committed last. */
export type ReadMode = "locks" | "versions";

/** A SQL Server that tests may use, one database of it per folder of a test. */
export class MssqlBackend {
  readonly #url: string;
  readonly #mode: ReadMode;
  readonly #admin: MssqlClient;
  readonly #databases = new Map<string, string>();

  constructor(url: string, mode: ReadMode) {
    this.#url = url;
    this.#mode = mode;
    const host = statestoreHost("");
    const address = serverAddress({ ...defaultOptions(), url: this.#urlOf("master") }, KIND, host);
    const limits = {
      poolSize: 1,
      queueTargetMs: 60_000,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
    };
    this.#admin = new MssqlClient(address, limits, host.clock);
  }

  /** A store over the database of a folder, which is made with the first. */
  async open(dir: string): Promise<Statestore> {
    const options = { ...defaultOptions(), url: this.#urlOf(await this.#databaseOf(dir)) };
    const store = mssql.create(options, statestoreHost(dir, { shared: true }));
    await store.start(AbortSignal.timeout(60_000));
    return store;
  }

  async close(): Promise<void> {
    for (const name of this.#databases.values()) {
      await this.#run(`ALTER DATABASE ${name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
      await this.#run(`DROP DATABASE ${name}`);
    }
    await this.#admin.close();
  }

  async #databaseOf(dir: string): Promise<string> {
    const known = this.#databases.get(dir);
    if (known !== undefined) return known;
    const name = `troupe_test_${process.pid}_${this.#mode}_${Bun.hash(dir).toString(36)}`;
    this.#databases.set(dir, name);
    await this.#run(`CREATE DATABASE ${name}`);
    const isVersioned = this.#mode === "versions" ? "ON" : "OFF";
    await this.#run(`ALTER DATABASE ${name} SET READ_COMMITTED_SNAPSHOT ${isVersioned}`);
    return name;
  }

  async #run(text: string): Promise<void> {
    await this.#admin.run(unprepared(text), []);
  }

  /** The URL with another database. */
  #urlOf(database: string): string {
    const url = new URL(this.#url);
    url.pathname = `/${database}`;
    return url.href;
  }
}

const KIND = { schemes: ["mssql", "sqlserver"], port: 1_433, user: "sa", socketIn: () => "" };

/**
 * The server that the environment names, or `undefined` with a printed line: no package brings one.
 * What was made on it is dropped after the tests of the file.
 */
export function mssqlBackend(mode: ReadMode): MssqlBackend | undefined {
  const url = process.env[VARIABLE] ?? "";
  if (url === "") {
    process.stdout.write(`${VARIABLE} is not set; tests on a SQL Server are skipped\n`);
    return undefined;
  }
  const backend = new MssqlBackend(url, mode);
  afterAll(() => backend.close());
  return backend;
}
