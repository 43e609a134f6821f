import type { ActorId, ReadResult } from "../../../../src/contract/index.ts";
import { actorIdentity } from "../identity.ts";
import { ACTOR_COLUMNS, readActorRow } from "./actor-row.ts";
import { places, prepared } from "./dialect.ts";
import { hexOf, unreadable } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlStatement, SqlValue } from "./sql-client.ts";

/** Most actors in one statement of `release`. */
const RELEASED_AT_ONCE = 64;

/** Where actors stand, their seeds, and letting go of them. */
export class ActorTable {
  readonly #access: SqlAccess;
  readonly #epochs: BucketedStatement;
  readonly #seeds: BucketedStatement;
  readonly #release: BucketedStatement;
  readonly #read: SqlStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    const actors = dialect.table("actors");
    const seeds = dialect.table("seeds");
    this.#access = access;
    this.#epochs = new BucketedStatement(
      (bucket) => `SELECT actor, epoch FROM ${actors} WHERE actor IN (${places(1, bucket)})`,
    );
    this.#seeds = new BucketedStatement(
      (bucket) => `SELECT actor, wrapped FROM ${seeds} WHERE actor IN (${places(1, bucket)})`,
    );
    this.#release = new BucketedStatement((bucket) => {
      const theirs = Array.from(
        { length: bucket },
        (_, index) => `(actor = $${2 * index + 2} AND epoch = $${2 * index + 3})`,
      );
      return `UPDATE ${actors} SET owner = NULL WHERE owner = $1 AND (${theirs.join(" OR ")})`;
    });
    const columns = ACTOR_COLUMNS.map((column) => `a.${column}`).join(", ");
    this.#read = prepared(
      `SELECT ${columns}, s.wrapped
         FROM ${actors} a LEFT JOIN ${seeds} s ON s.actor = a.actor WHERE a.actor = $1`,
    );
  }

  async epochs(actors: readonly ActorId[]): Promise<readonly (number | undefined)[]> {
    const found = await this.#find(this.#epochs, actors);
    return found.map((epoch) => (epoch === undefined ? undefined : Number(epoch)));
  }

  async seeds(actors: readonly ActorId[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found = await this.#find(this.#seeds, actors);
    return found.map((wrapped) => (wrapped instanceof Uint8Array ? wrapped : undefined));
  }

  async read(actor: ActorId): Promise<ReadResult | undefined> {
    const [row] = await this.#access.rows(this.#read, [actorIdentity(actor)]);
    if (row === undefined) return undefined;
    const found = readActorRow(row, actor);
    if (typeof found === "string") throw this.#unreadable(actor, found);
    const wrapped = row[ACTOR_COLUMNS.length];
    return wrapped instanceof Uint8Array ? { ...found, seed: wrapped } : found;
  }

  async release(
    sessionId: number,
    actors: readonly { readonly actor: ActorId; readonly epoch: number }[],
  ): Promise<void> {
    const rows = actors
      .map(({ actor, epoch }) => [actorIdentity(actor), epoch] as const)
      .sort(([a], [b]) => Buffer.compare(a, b));
    for (const piece of pieces(rows, RELEASED_AT_ONCE)) {
      const { statement, keys } = this.#release.for(piece);
      await this.#access.run(statement, [sessionId, ...keys.flat()]);
    }
  }

  /** The second column of the row of each actor, in the order asked. */
  async #find(
    bucketed: BucketedStatement,
    actors: readonly ActorId[],
  ): Promise<readonly (SqlValue | undefined)[]> {
    const identities = actors.map(actorIdentity);
    const answers = await Promise.all(
      pieces(identities).map((piece) => {
        const { statement, keys } = bucketed.for(piece);
        return this.#access.rows(statement, keys);
      }),
    );
    const byIdentity = new Map(answers.flat().map(([key, value]) => [hexOf(key), value]));
    return identities.map((identity) => byIdentity.get(hexOf(identity)));
  }

  #unreadable(actor: ActorId, reason: string): Error {
    return this.#access.attempts.raise(unreadable(`the row of actor ${actor.key}`, reason));
  }
}
