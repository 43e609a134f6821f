import type {
  Migrations,
  SchemaStatus,
  SchemaStep,
  StatestoreHost,
} from "../../../../src/contract/index.ts";
import { raise, StoreFailure } from "../failure.ts";
import type { SqlServer } from "./dialect.ts";
import { takeSteps } from "./open-schema.ts";
import { openServer, startFailure } from "./open-server.ts";
import { inspectSchema } from "./schema-state.ts";
import { schemaSteps } from "./schema-steps.ts";
import type { SqlClient, SqlLimits } from "./sql-client.ts";

/** The schema by command, over a connection of its own. */
export class StoreMigrations implements Migrations {
  readonly #host: StatestoreHost;
  readonly #server: SqlServer;
  readonly #limits: SqlLimits;

  /** `limits` of a connection that may take its time. */
  constructor(host: StatestoreHost, server: SqlServer, limits: SqlLimits) {
    this.#host = host;
    this.#server = server;
    this.#limits = limits;
  }

  plan(signal: AbortSignal): Promise<SchemaStatus> {
    const { dialect } = this.#server;
    return this.#connected(signal, async (client) => {
      const { have, pending } = await inspectSchema(client, dialect);
      return { have, want: schemaSteps(dialect).length, pending };
    });
  }

  apply(signal: AbortSignal, taken?: (step: SchemaStep) => void): Promise<readonly SchemaStep[]> {
    const { dialect } = this.#server;
    return this.#connected(signal, async (client) => {
      const { pending } = await inspectSchema(client, dialect);
      return pending.length === 0 ? [] : await takeSteps(client, dialect, taken);
    });
  }

  async #connected<T>(signal: AbortSignal, body: (client: SqlClient) => Promise<T>): Promise<T> {
    const client = this.#server.connect(this.#limits);
    try {
      const patienceMs = this.#limits.connectTimeoutMs;
      await openServer(this.#host, this.#server, client, patienceMs, signal);
      return await body(client);
    } catch (error) {
      const refused = startFailure(error);
      throw refused instanceof StoreFailure ? raise(this.#host, refused.failure) : refused;
    } finally {
      await client.close(signal);
    }
  }
}
