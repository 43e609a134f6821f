/** A variable of eigr/Spawn that one of ours takes the place of. */
export interface SpawnAlias {
  readonly name: string;
  /** The variable that it stands for. */
  readonly environment: string;
  readonly value: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface AliasRule {
  readonly names: readonly string[];
  readonly environment: string;
  readonly convert: (value: string) => string;
}

const same = (value: string): string => value;
const milliseconds = (value: string): string => `${value.trim()}ms`;
const mapped =
  (table: Readonly<Record<string, string>>) =>
  (value: string): string =>
    Object.entries(table).find(([name]) => name === value.trim().toLowerCase())?.[1] ?? value;

const STATESTORES: Readonly<Record<string, string>> = {
  mariadb: "mysql",
  native: "sqlite",
  postgres: "postgres",
  cockroachdb: "cockroachdb",
  mssql: "mssql",
  mysql: "mysql",
  sqlite: "sqlite",
};
const DISCOVERY: Readonly<Record<string, string>> = {
  gossip: "static",
  epmd: "static",
  "kubernetes-dns": "kubernetes",
};

const RULES: readonly AliasRule[] = [
  {
    names: ["PROXY_DATABASE_TYPE"],
    environment: "TROUPE_STATESTORE",
    convert: mapped(STATESTORES),
  },
  {
    names: ["PROXY_DATABASE_POOL_SIZE"],
    environment: "TROUPE_STATESTORE_POOL_SIZE",
    convert: same,
  },
  {
    names: ["PROXY_DATABASE_QUEUE_TARGET"],
    environment: "TROUPE_STATESTORE_QUEUE_TARGET",
    convert: milliseconds,
  },
  { names: ["PROXY_DATABASE_SSL"], environment: "TROUPE_STATESTORE_SSL", convert: same },
  {
    names: ["PROXY_DATABASE_SSL_VERIFY"],
    environment: "TROUPE_STATESTORE_SSL_VERIFY",
    convert: same,
  },
  { names: ["SPAWN_STATESTORE_KEY"], environment: "TROUPE_STATESTORE_KEYS", convert: same },
  { names: ["PROXY_HTTP_PORT"], environment: "TROUPE_PORT", convert: same },
  {
    names: ["SPAWN_PUBSUB_ADAPTER"],
    environment: "TROUPE_BROADCAST",
    convert: mapped({ native: "cluster" }),
  },
  {
    names: ["PROXY_CLUSTER_STRATEGY", "SPAWN_CLUSTER_STRATEGY"],
    environment: "TROUPE_DISCOVERY",
    convert: mapped(DISCOVERY),
  },
  {
    names: ["SPAWN_PROXY_LOGGER_LEVEL"],
    environment: "TROUPE_LOG_LEVEL",
    convert: mapped({ warning: "warn", notice: "info" }),
  },
  { names: ["SHUTDOWN_TIMEOUT_MS"], environment: "TROUPE_SHUTDOWN_TIMEOUT", convert: milliseconds },
];

/** Schemes and ports of the databases that Spawn serves over the network. */
const SERVERS: Readonly<Record<string, { readonly scheme: string; readonly port: string }>> = {
  postgres: { scheme: "postgres", port: "5432" },
  cockroachdb: { scheme: "postgres", port: "26257" },
  mysql: { scheme: "mysql", port: "3306" },
  mssql: { scheme: "mssql", port: "1433" },
};

/** Spawn names the parts of a database address; we name the whole. Missing parts are Spawn's own. */
function databaseUrl(environment: Environment): SpawnAlias | undefined {
  const type = environment["PROXY_DATABASE_TYPE"];
  const server = type === undefined ? undefined : SERVERS[mapped(STATESTORES)(type)];
  if (server === undefined) return undefined;
  const part = (name: string, byDefault: string): string =>
    environment[`PROXY_DATABASE_${name}`]?.trim() || byDefault;
  const user = encodeURIComponent(part("USERNAME", "admin"));
  const password = encodeURIComponent(part("SECRET", "admin"));
  const place = `${part("HOST", "127.0.0.1")}:${part("PORT", server.port)}`;
  const database = encodeURIComponent(part("NAME", "eigr-functions-db"));
  return {
    name:
      environment["PROXY_DATABASE_SECRET"] === undefined
        ? "PROXY_DATABASE_HOST"
        : "PROXY_DATABASE_SECRET",
    environment: "TROUPE_STATESTORE_URL",
    value: `${server.scheme}://${user}:${password}@${place}/${database}`,
  };
}

/**
 * What Spawn's variables say in our words. An empty variable counts as absent, as it does for Spawn.
 * The database address is left out if ours is given whole.
 */
export function spawnAliases(environment: Environment): readonly SpawnAlias[] {
  const found: SpawnAlias[] = [];
  for (const rule of RULES) {
    const name = rule.names.find((candidate) => (environment[candidate] ?? "") !== "");
    if (name === undefined) continue;
    const value = rule.convert(environment[name] ?? "");
    found.push({ name, environment: rule.environment, value });
  }
  const url = databaseUrl(environment);
  return url === undefined ? found : [...found, url];
}
