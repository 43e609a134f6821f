import { SQL } from "bun";
import type { ServiceKind } from "../services/service-kinds.ts";
import { SERVICE_KINDS } from "../services/service-kinds.ts";

const KEY = `k1:${Buffer.alloc(32, 1).toString("base64")}`;

/** A database server as these tests use it. */
export interface Database {
  /** Its name among the services. */
  readonly name: string;
  /** Environment of a node that keeps its states there. */
  settings(url: string): Readonly<Record<string, string>>;
  /** The server's own dump of everything. */
  dump(url: string): readonly string[];
  /** How a dump shows the bytes of a text. */
  inDump(text: string): string;
}

const settings = (plugin: string, url: string): Readonly<Record<string, string>> => ({
  TROUPE_STATESTORE: plugin,
  TROUPE_STATESTORE_URL: url,
  TROUPE_STATESTORE_KEYS: KEY,
});

/** The servers that can be started wherever these tests run. */
export const DATABASES: readonly Database[] = [
  {
    name: "PostgreSQL",
    settings: (url) => settings("postgres", url),
    dump: (url) => ["pg_dump", "--inserts", url],
    inDump: (text) => Buffer.from(text).toString("hex"),
  },
  {
    name: "MariaDB",
    settings: (url) => settings("mysql", url),
    dump: (url) => {
      const { hostname, port, username } = new URL(url);
      const address = [`--host=${hostname}`, `--port=${port}`, `--user=${username}`];
      return ["mariadb-dump", ...address, "--hex-blob", "--all-databases"];
    },
    inDump: (text) => Buffer.from(text).toString("hex").toUpperCase(),
  },
];

/** True if a query is answered over a new connection. */
export async function takesQueries(url: string): Promise<boolean> {
  const sql = new SQL(url, { max: 1, connectionTimeout: 2 });
  try {
    await sql`SELECT 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.close({ timeout: 0 }).catch(() => undefined);
  }
}

/** The kind of server by name; one that is not installed is said, and fails where it is required. */
export function databaseKind(name: string): {
  readonly kind: ServiceKind;
  readonly absent: boolean;
} {
  const kind = SERVICE_KINDS.find((each) => each.name === name);
  if (kind === undefined) throw new Error(`there is no service ${name}`);
  const absent = kind.find() === undefined;
  if (absent && process.env["REQUIRE_BACKENDS"] === "1") throw new Error(`${name} is required`);
  if (absent) process.stdout.write(`${name} is absent; its tests are skipped\n`);
  return { kind, absent };
}
