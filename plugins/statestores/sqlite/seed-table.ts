import type { ActorId } from "../../../src/contract/index.ts";
import { actorIdentity } from "../kit/identity.ts";
import type { SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Wrapped seeds, and what goes when one is dropped with all that depends on it. */
export class SeedTable {
  readonly #connection: SqliteConnection;
  readonly #find: SqlStatement;
  readonly #put: SqlStatement;
  readonly #drops: readonly SqlStatement[];

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#find = connection.prepare(
      "SELECT w.wrapped FROM actors a JOIN seeds w ON w.actor = a.number WHERE a.identity = ?",
    );
    this.#put = connection.prepare("INSERT OR REPLACE INTO seeds (actor, wrapped) VALUES (?, ?)");
    this.#drops = [
      "DELETE FROM seeds WHERE actor = ?",
      "DELETE FROM history WHERE actor = ?",
      "DELETE FROM schedules WHERE actor = ?",
      // Two statements, because each of the two indexes has a part of the rows.
      "DELETE FROM outbox WHERE actor = ? AND dead_reason IS NULL",
      "DELETE FROM outbox WHERE actor = ? AND dead_reason IS NOT NULL",
    ].map((sql) => connection.prepare(sql));
  }

  find(actors: readonly ActorId[]): readonly (Uint8Array | undefined)[] {
    return this.#connection.read(() =>
      actors.map((actor) => {
        const wrapped = this.#find.get(actorIdentity(actor))?.[0];
        return wrapped instanceof Uint8Array ? wrapped : undefined;
      }),
    );
  }

  /** Inside a transaction. */
  put(actor: number, wrapped: Uint8Array): void {
    this.#put.run(actor, wrapped);
  }

  /** Inside a transaction: drops the seed and the rows that nobody can open or may deliver now. */
  drop(actor: number): void {
    for (const statement of this.#drops) statement.run(actor);
  }
}
