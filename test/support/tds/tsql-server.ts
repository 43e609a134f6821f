import { TdsDouble } from "./tds-double.ts";
import type { TdsOptions } from "./tds-handler.ts";
import { TsqlDatabase } from "./tsql-database.ts";

/** A double with databases that run the statestore's statements; each is made by its first login. */
export class TsqlServer implements AsyncDisposable {
  readonly #databases = new Map<string, TsqlDatabase>();
  #double: TdsDouble | undefined;

  /** Listens, on the port of before if there was one. */
  async start(options: TdsOptions = {}): Promise<void> {
    const port = this.#double?.port ?? 0;
    this.#double = await TdsDouble.start(
      (request, client, stopped) =>
        this.database(client.login.database).handler(request, client, stopped),
      {
        port,
        gone: (client) => this.database(client.login.database).gone(client),
        ...options,
      },
    );
  }

  /** The wire, while it is there. */
  get double(): TdsDouble {
    if (this.#double === undefined) throw new Error("the server was never started");
    return this.#double;
  }

  database(name: string): TsqlDatabase {
    let database = this.#databases.get(name);
    if (database === undefined) {
      database = new TsqlDatabase();
      this.#databases.set(name, database);
    }
    return database;
  }

  /** Where a database of it is. */
  url(database: string): string {
    return `mssql://troupe:secret@127.0.0.1:${this.double.port}/${database}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#double?.stop();
  }
}
