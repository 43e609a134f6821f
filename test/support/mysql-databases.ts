import { SQL } from "bun";
import type { SqlAddress } from "../../plugins/statestores/kit/sql/sql-client.ts";

/** A server that tests run on, or the place of one that is not there. */
export interface MysqlServer {
  readonly name: string;
  readonly url: string | undefined;
}

function server(name: string, variable: string, isOptional: boolean): MysqlServer {
  const url = process.env[variable];
  if (url !== undefined) return { name, url };
  if (process.env["REQUIRE_BACKENDS"] === "1" && !isOptional) {
    throw new Error(`${name} is required and ${variable} is not set`);
  }
  process.stdout.write(`skipped: ${name} is not running (${variable} is not set)\n`);
  return { name, url };
}

/** The servers that speak MySQL's protocol. MySQL proper is optional. */
export function mysqlServers(): readonly MysqlServer[] {
  return [
    server("MariaDB", "TROUPE_TEST_MYSQL_URL", false),
    server("MySQL", "TROUPE_TEST_ORACLE_MYSQL_URL", true),
  ];
}

/** The address that a test URL names, in the clear, with another database if one is given. */
export function mysqlAddress(url: string, database?: string): SqlAddress {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    socketPath: "",
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: database ?? pathname.slice(1),
    tls: "off",
    tlsCa: "",
  };
}

/** Runs statements as whoever the URL names, apart from every client under test. */
export async function asRoot(url: string, ...statements: readonly string[]): Promise<unknown[][]> {
  const sql = new SQL(url, { adapter: "mysql", max: 1, bigint: true });
  try {
    let rows: unknown[][] = [];
    for (const statement of statements) rows = [...(await sql.unsafe(statement).values())];
    return rows;
  } finally {
    await sql.close({ timeout: 0 });
  }
}

/** A database of a test's own, dropped at the end of its scope; its default charset is a bad one. */
export async function mysqlDatabase(
  url: string,
): Promise<{ readonly name: string } & AsyncDisposable> {
  const name = `troupe_${crypto.randomUUID().replaceAll("-", "")}`;
  await asRoot(url, `CREATE DATABASE ${name} CHARACTER SET latin1`);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await asRoot(url, `DROP DATABASE IF EXISTS ${name}`);
    },
  };
}
