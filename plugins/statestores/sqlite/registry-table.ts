import type { ActorTypeSpec } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import type { SqlStatement, SqlValue } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Registered actor types and small named values. */
export class RegistryTable {
  readonly #connection: SqliteConnection;
  readonly #putType: SqlStatement;
  readonly #types: SqlStatement;
  readonly #get: SqlStatement;
  readonly #put: SqlStatement;
  readonly #putIfAbsent: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#putType = connection.prepare(
      "INSERT OR REPLACE INTO types (system, type, spec) VALUES (?, ?, ?)",
    );
    this.#types = connection.prepare("SELECT spec FROM types ORDER BY system, type");
    this.#get = connection.prepare("SELECT value FROM meta WHERE name = ?");
    this.#put = connection.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)");
    this.#putIfAbsent = connection.prepare(
      "INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)",
    );
  }

  putTypes(types: readonly ActorTypeSpec[]): void {
    this.#connection.write(() => {
      for (const spec of types) this.#putType.run(spec.system, spec.type, JSON.stringify(spec));
    });
  }

  types(): readonly ActorTypeSpec[] {
    return this.#connection.read(() => this.#types.all().map((row) => parseType(row[0] ?? null)));
  }

  get(name: string): Uint8Array | undefined {
    return this.#connection.read(() => this.#value(name));
  }

  putIfAbsent(name: string, value: Uint8Array): Uint8Array {
    return this.#connection.write(() => {
      this.#putIfAbsent.run(name, value);
      return this.#value(name) ?? value;
    });
  }

  put(name: string, value: Uint8Array): void {
    this.#connection.write(() => this.#put.run(name, value));
  }

  #value(name: string): Uint8Array | undefined {
    const value = this.#get.get(name)?.[0];
    return value instanceof Uint8Array ? value : undefined;
  }
}

function parseType(text: SqlValue): ActorTypeSpec {
  try {
    return JSON.parse(String(text)) as ActorTypeSpec;
  } catch (cause) {
    const message = "a registered actor type cannot be read";
    throw new StoreFailure("state.corrupt", message, "not_applied", {
      reason: "ROW_CORRUPT",
      cause,
    });
  }
}
