import { createHash } from "node:crypto";
import type { MigrateMode } from "../../plugins/statestores/kit/sql/open-schema.ts";
import type { SqlAddress } from "../../plugins/statestores/kit/sql/sql-client.ts";
import { SqlStatestore } from "../../plugins/statestores/kit/sql/sql-statestore.ts";
import type { MysqlDriver } from "../../plugins/statestores/mysql/driver.ts";
import { mysqlServer } from "../../plugins/statestores/mysql/mysql-server.ts";
import { statestoreHost } from "../conformance/support/statestore-host.ts";
import { asRoot, mysqlAddress } from "./mysql-databases.ts";

/** What a test wants otherwise. */
export interface StoreChanges {
  readonly host?: Parameters<typeof statestoreHost>[1];
  readonly address?: Partial<SqlAddress>;
  readonly migrate?: MigrateMode;
}

/** Stores on one server through one driver: a database for each folder that is named. */
export class MysqlStores {
  readonly #url: string;
  readonly #driver: MysqlDriver;
  readonly #databases = new Map<string, Promise<string>>();

  constructor(url: string, driver: MysqlDriver) {
    this.#url = url;
    this.#driver = driver;
  }

  /** A store that is started over the database of a folder. */
  async open(dir: string, changes: StoreChanges = {}): Promise<SqlStatestore> {
    const store = this.make(dir, changes);
    await store.start(AbortSignal.timeout(60_000));
    return store;
  }

  /** As `open`, but not started. The database is there before the first connection to it. */
  make(dir: string, changes: StoreChanges = {}): SqlStatestore {
    const { address: other, migrate = "auto", host: members } = changes;
    const host = statestoreHost(dir, { shared: true, ...members });
    const address = { ...mysqlAddress(this.#url, nameOf(dir)), ...other };
    const driver: MysqlDriver = {
      connect: async (...parameters) => {
        await this.database(dir);
        return await this.#driver.connect(...parameters);
      },
    };
    return new SqlStatestore(host, mysqlServer(address, host.clock, driver), {
      poolSize: 8,
      queueTarget: 10_000,
      connectTimeout: 5_000,
      migrate,
    });
  }

  /** The name of a folder's database, once it is there. */
  database(dir: string): Promise<string> {
    const known = this.#databases.get(dir);
    if (known !== undefined) return known;
    const name = nameOf(dir);
    const made = asRoot(this.#url, `CREATE DATABASE ${name} CHARACTER SET latin1`).then(() => name);
    this.#databases.set(dir, made);
    return made;
  }

  /** Drops every database that was made here. */
  async drop(): Promise<void> {
    const names = await Promise.all(this.#databases.values());
    await asRoot(this.#url, ...names.map((name) => `DROP DATABASE IF EXISTS ${name}`));
  }
}

function nameOf(dir: string): string {
  return `troupe_${createHash("sha1").update(`${process.pid} ${dir}`).digest("hex")}`;
}
