import type { EffectList, EncodedEffects, SqlTuple } from "../kit/sql/commit-batch.ts";
import { BATCH_COLUMNS } from "../kit/sql/commit-batch.ts";
import { places } from "../kit/sql/dialect.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlResult, SqlRunner } from "../kit/sql/sql-client.ts";
import { BucketedTexts } from "./bucketed-texts.ts";
import { NOW } from "./mysql-clock.ts";
import { tableName } from "./mysql-schema.ts";
import { sliced } from "./row-slices.ts";

/**
 * Inserts rows of a list. `own` are columns that the list does not have, with the expression for a row
 * whose parameters are given; `end` says what becomes of a row that is there already.
 */
function insertTexts(
  list: EffectList,
  table: SqlTableName,
  own: Readonly<Record<string, (row: (column: string) => string) => string>>,
  end = "",
): BucketedTexts {
  const columns: readonly string[] = BATCH_COLUMNS[list];
  return new BucketedTexts((bucket) => {
    const rows = Array.from({ length: bucket }, (_, row) => {
      const first = row * columns.length + 1;
      const place = (column: string): string => `$${first + columns.indexOf(column)}`;
      const others = Object.values(own).map((expression) => expression(place));
      return `(${[places(first, columns.length), ...others].join(", ")})`;
    });
    const names = [...columns, ...Object.keys(own)].join(", ");
    return `INSERT INTO ${tableName(table)} (${names}) VALUES ${rows.join(", ")} ${end}`;
  });
}

/** Deletes rows by one or two columns. */
function deleteTexts(list: EffectList, table: SqlTableName): BucketedTexts {
  const columns = BATCH_COLUMNS[list];
  return new BucketedTexts((bucket) => {
    const rows = Array.from({ length: bucket }, (_, row) => {
      const terms = columns.map((column, at) => `${column} = $${row * columns.length + at + 1}`);
      return `(${terms.join(" AND ")})`;
    });
    return `DELETE FROM ${tableName(table)} WHERE ${rows.join(" OR ")}`;
  });
}

/** A table that is read while rows of it are deleted must be a list of its own. */
function forgetText(): string {
  const history = tableName("history");
  return `DELETE FROM ${history} WHERE actor = $1 AND revision <=
    (SELECT r.revision FROM (SELECT h.revision FROM ${history} h WHERE h.actor = $1
                              ORDER BY h.revision DESC LIMIT 1 OFFSET $2) r)`;
}

const due = (place: (column: string) => string): string => `${NOW} + ${place("delay_ms")}`;

/** Everything that a commit writes besides actors and replies; the actors are locked already. */
export class MysqlEffects {
  readonly #untag = deleteTexts("untagged", "actor_tags");
  readonly #tag = insertTexts(
    "tags",
    "actor_tags",
    {},
    "ON DUPLICATE KEY UPDATE actor = VALUES(actor)",
  );
  readonly #send = insertTexts("outbox", "outbox", {
    due_ms: due,
    ready_ms: due,
    attempts: () => "0",
  });
  readonly #unschedule = deleteTexts("unscheduled", "schedules");
  readonly #schedule = insertTexts("schedules", "schedules", { held_until_ms: () => "0" });
  readonly #forget = new BucketedTexts(forgetText);
  readonly #remember = insertTexts(
    "history",
    "history",
    { committed_ms: () => NOW },
    `ON DUPLICATE KEY UPDATE committed_ms = VALUES(committed_ms), action = VALUES(action),
       tags = VALUES(tags), state_type = VALUES(state_type), state = VALUES(state)`,
  );
  readonly #unseed = deleteTexts("unseeded", "seeds");
  readonly #seed = insertTexts(
    "seeds",
    "seeds",
    {},
    "ON DUPLICATE KEY UPDATE wrapped = VALUES(wrapped)",
  );

  /** All statements at once; the server runs them in this order. */
  async write(runner: SqlRunner, effects: EncodedEffects, sliceBytes: number): Promise<void> {
    const run = (texts: BucketedTexts, rows: readonly SqlTuple[]): readonly Promise<SqlResult>[] =>
      sliced(rows, sliceBytes).map((slice) => runner.run(texts.of(slice.length), slice.flat()));
    await Promise.all([
      ...run(this.#untag, effects.untagged),
      ...run(this.#tag, effects.tags),
      ...run(this.#send, effects.outbox),
      ...run(this.#unschedule, effects.unscheduled),
      ...run(this.#schedule, effects.schedules),
      ...effects.forgotten.map((row) => runner.run(this.#forget.of(1), row)),
      ...run(this.#remember, effects.history),
      ...run(this.#unseed, effects.unseeded),
      ...run(this.#seed, effects.seeds),
    ]);
  }
}
