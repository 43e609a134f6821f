import postgresLibrary from "postgres";
import type { Statestore } from "../../src/contract/index.ts";
import { postgresDialect } from "../../plugins/statestores/postgres/postgres-dialect.ts";
import type { SqlDialect } from "../../plugins/statestores/kit/sql/dialect.ts";
import type { SqlClient, SqlRow } from "../../plugins/statestores/kit/sql/sql-client.ts";
import { makePostgres } from "../../test/conformance/support/postgres-store.ts";
import { PostgresBackend } from "../../test/conformance/support/postgres-backend.ts";
import { openMysqlTarget } from "./mysql-target.ts";

/** A store on a server, and the server reached without it. */
export interface BenchTarget {
  readonly store: Statestore;
  readonly dialect: SqlDialect;
  /** The driver library as its manual says to use it, with as many connections as there are lanes. */
  readonly driver: SqlClient;
  close(): Promise<void>;
}

export const LANES = 4;
const DIR = "bench";

async function postgres(url: string): Promise<BenchTarget> {
  const backend = new PostgresBackend(url, "bench");
  const store = makePostgres(backend, DIR, { poolSize: 20 }, { queryTimeoutMs: 60_000 });
  await store.start?.(AbortSignal.timeout(30_000));
  const sql = postgresLibrary(url, { max: LANES, onnotice: () => undefined });
  const run: SqlClient["run"] = async ({ text }, values) => {
    const rows = await sql.unsafe(text, values as never[], { prepare: true }).values();
    return { rows: rows as unknown as readonly SqlRow[], changed: rows.count };
  };
  return {
    store,
    dialect: postgresDialect(backend.schemaOf(DIR)),
    driver: {
      open: async () => undefined,
      run,
      transaction: () => Promise.reject(new Error("a batch of the bench is one statement")),
      close: () => sql.end(),
    },
    close: async () => {
      await store.stop?.(AbortSignal.timeout(30_000));
      await sql.end();
      await backend.close();
    },
  };
}

/** How each kind of server is reached, and the variable that says where it is. */
export const TARGETS: Readonly<
  Record<string, { readonly variable: string; open(url: string): Promise<BenchTarget> }>
> = {
  postgres: { variable: "TROUPE_TEST_POSTGRES_URL", open: postgres },
  mariadb: {
    variable: "TROUPE_TEST_MYSQL_URL",
    open: (url) => openMysqlTarget(url, LANES),
  },
  mysql: {
    variable: "TROUPE_TEST_ORACLE_MYSQL_URL",
    open: (url) => openMysqlTarget(url, LANES),
  },
};
