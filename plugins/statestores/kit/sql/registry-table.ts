import type { ActorTypeSpec, MetaTable, TypeRegistry } from "../../../../src/contract/index.ts";
import { prepared } from "./dialect.ts";
import { textOf, unreadable, utf8 } from "./row-values.ts";
import type { SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement } from "./sql-client.ts";

/** Registered actor types. */
export class TypeTable implements TypeRegistry {
  readonly #access: SqlAccess;
  readonly #put: SqlStatement;
  readonly #list: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const types = dialect.table("types");
    const key = ["actor_system", "actor_type"];
    this.#access = access;
    this.#put = prepared(dialect.fragments.upsert(types, key, [...key, "spec"], 1));
    this.#list = prepared(`SELECT spec FROM ${types} ORDER BY actor_system, actor_type`);
  }

  async put(types: readonly ActorTypeSpec[]): Promise<void> {
    if (types.length === 0) return;
    const ordered = [...types].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    await this.#access.transaction("repeat", async (runner) => {
      for (const spec of ordered) {
        await runner.run(this.#put, [spec.system, spec.type, utf8(JSON.stringify(spec))]);
      }
    });
  }

  list(): Promise<readonly ActorTypeSpec[]> {
    return this.#access.attempt("repeat", async (client) =>
      (await client.run(this.#list, [])).rows.map(parseType),
    );
  }
}

function placeOf({ system, type }: ActorTypeSpec): string {
  return `${system}/${type}`;
}

/** A type from its column. */
export function parseType(row: SqlRow): ActorTypeSpec {
  try {
    return JSON.parse(textOf(row[0])) as ActorTypeSpec;
  } catch {
    throw unreadable("a registered actor type", "ROW_CORRUPT");
  }
}

/** Small named values. */
export class NamedValueTable implements MetaTable {
  readonly #access: SqlAccess;
  readonly #get: SqlStatement;
  readonly #put: SqlStatement;
  readonly #putIfAbsent: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const { upsert, insertIfAbsent } = dialect.fragments;
    const meta = dialect.table("meta");
    this.#access = access;
    this.#get = prepared(`SELECT value FROM ${meta} WHERE name = $1`);
    this.#put = prepared(upsert(meta, ["name"], ["name", "value"], 1));
    this.#putIfAbsent = prepared(insertIfAbsent(meta, ["name"], ["name", "value"]));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const value = (await this.#access.rows(this.#get, [utf8(name)]))[0]?.[0];
    return value instanceof Uint8Array ? value : undefined;
  }

  async putIfAbsent(name: string, value: Uint8Array): Promise<Uint8Array> {
    await this.#access.run(this.#putIfAbsent, [utf8(name), value]);
    return (await this.get(name)) ?? value;
  }

  async put(name: string, value: Uint8Array): Promise<void> {
    await this.#access.run(this.#put, [utf8(name), value]);
  }
}
