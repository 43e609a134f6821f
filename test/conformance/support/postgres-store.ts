import type { Statestore, StatestoreHost } from "../../../src/contract/index.ts";
import postgres, { type PostgresOptions } from "../../../plugins/statestores/postgres/plugin.ts";
import type { PostgresBackend } from "./postgres-backend.ts";
import { statestoreHost } from "./statestore-host.ts";

/** The options of a store over `url`; `changes` overrides single ones. */
export function postgresOptions(
  url: string,
  schema: string,
  changes: Partial<PostgresOptions> = {},
): PostgresOptions {
  return {
    url,
    host: "",
    port: 5_432,
    user: "",
    password: "",
    database: "",
    ssl: "auto",
    sslVerify: "auto",
    sslCa: "",
    allowInsecure: false,
    poolSize: 8,
    queueTarget: 5_000,
    connectTimeout: 5_000,
    migrate: "auto",
    schema,
    prepare: true,
    ...changes,
  };
}

/** Makes a store over the schema of a folder. */
export function makePostgres(
  backend: PostgresBackend,
  dir: string,
  options: Partial<PostgresOptions> = {},
  host: Partial<StatestoreHost> = {},
): Statestore {
  const merged = postgresOptions(backend.url, backend.schemaOf(dir), options);
  return postgres.create(merged, statestoreHost(dir, { shared: true, ...host }));
}

/** The same, started. */
export async function openPostgres(
  ...parameters: Parameters<typeof makePostgres>
): Promise<Statestore> {
  const store = makePostgres(...parameters);
  await store.start?.(AbortSignal.timeout(30_000));
  return store;
}
