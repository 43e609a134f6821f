import { afterAll } from "bun:test";
import { SQL } from "bun";
import type { Statestore } from "../../../src/contract/index.ts";

const VARIABLE = "TROUPE_TEST_POSTGRES_URL";

/** A server that tests may use, one schema of it per folder of a test. */
export class PostgresBackend {
  readonly url: string;
  readonly #prefix: string;
  readonly #schemas = new Map<string, string>();
  #admin: SQL | undefined;

  constructor(url: string, prefix = "t") {
    this.url = url;
    this.#prefix = `${prefix}${process.pid}`;
  }

  /** The schema that belongs to a folder; dropped when the file's tests have ended. */
  schemaOf(folder: string): string {
    const known = this.#schemas.get(folder);
    if (known !== undefined) return known;
    const digest = Bun.hash(folder).toString(36);
    const schema = `${this.#prefix}_${digest}`;
    this.#schemas.set(folder, schema);
    return schema;
  }

  /** A connection that may do everything. */
  get admin(): SQL {
    this.#admin ??= new SQL(this.url, { max: 1 });
    return this.#admin;
  }

  /** Runs one statement that a test wrote. */
  async edit(statement: string): Promise<readonly unknown[]> {
    return (await this.admin.unsafe(statement)) as readonly unknown[];
  }

  async close(): Promise<void> {
    for (const schema of this.#schemas.values()) {
      await this.edit(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    }
    await this.#admin?.close();
  }
}

/**
 * The server that the environment names, or `undefined` with a printed line; absent where back ends
 * are required is a failure. What was made on it is dropped after the tests of the file.
 */
export function postgresBackend(variable = VARIABLE): PostgresBackend | undefined {
  const url = process.env[variable] ?? "";
  if (url === "") {
    if (process.env["REQUIRE_BACKENDS"] === "1") throw new Error(`${variable} is not set`);
    process.stdout.write(`${variable} is not set; tests that need it are skipped\n`);
    return undefined;
  }
  const backend = new PostgresBackend(url);
  afterAll(() => backend.close());
  return backend;
}

/** Says once on which server the tests of a file run. */
export async function sayServer(store: Statestore): Promise<void> {
  process.stdout.write(`ran on: ${await store.describe()}\n`);
}
