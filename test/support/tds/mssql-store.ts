import { statestoreHost } from "../../conformance/support/statestore-host.ts";
import type { Statestore } from "../../../src/contract/index.ts";
import mssql, { type MssqlOptions } from "../../../plugins/statestores/mssql/plugin.ts";
import { defaultOptions } from "./mssql-options.ts";
import type { TsqlDatabase } from "./tsql-database.ts";
import { TsqlServer } from "./tsql-server.ts";

/** The one database of a double under test. */
const DATABASE = "actors";

/** A double, and stores over its database. */
export class MssqlStage implements AsyncDisposable {
  readonly server = new TsqlServer();
  readonly #stores: Statestore[] = [];

  static async start(): Promise<MssqlStage> {
    const stage = new MssqlStage();
    await stage.server.start();
    return stage;
  }

  get database(): TsqlDatabase {
    return this.server.database(DATABASE);
  }

  get url(): string {
    return this.server.url(DATABASE);
  }

  /** Makes a store; the stage stops it. */
  make(
    options: Partial<MssqlOptions> = {},
    host: Parameters<typeof statestoreHost>[1] = {},
  ): Statestore {
    const merged = { ...defaultOptions(), url: this.url, ...options };
    const store = mssql.create(merged, statestoreHost("", { shared: true, ...host }));
    this.#stores.push(store);
    return store;
  }

  /** Makes a store and starts it. */
  async open(
    options: Partial<MssqlOptions> = {},
    host: Parameters<typeof statestoreHost>[1] = {},
  ): Promise<Statestore> {
    const store = this.make(options, host);
    await store.start?.(AbortSignal.timeout(10_000));
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.stop?.(AbortSignal.timeout(10_000));
    await this.server[Symbol.asyncDispose]();
  }
}
