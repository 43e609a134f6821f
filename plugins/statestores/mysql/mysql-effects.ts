import type { EffectList, EncodedEffects, SqlTuple } from "../kit/sql/commit-batch.ts";
import { BATCH_COLUMNS } from "../kit/sql/commit-batch.ts";
import { places } from "../kit/sql/dialect.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import { type BoundStatement, BucketedTexts } from "./bucketed-texts.ts";
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

/** The rows that a list names by one or two columns. */
function namedRows(list: EffectList, bucket: number): string {
  const columns = BATCH_COLUMNS[list];
  const rows = Array.from({ length: bucket }, (_, row) => {
    const terms = columns.map((column, at) => `${column} = $${row * columns.length + at + 1}`);
    return `(${terms.join(" AND ")})`;
  });
  return rows.join(" OR ");
}

function deleteTexts(list: EffectList, table: SqlTableName): BucketedTexts {
  return new BucketedTexts(
    (bucket) => `DELETE FROM ${tableName(table)} WHERE ${namedRows(list, bucket)}`,
  );
}

function blankText(bucket: number): string {
  const rows = namedRows("shredded", bucket);
  return `UPDATE ${tableName("dedup")} SET digest = '', reply = '' WHERE ${rows}`;
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
  readonly #blank = new BucketedTexts(blankText);
  readonly #unsend = deleteTexts("shredded", "outbox");
  readonly #forgetTimers = deleteTexts("shredded", "schedules");
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

  /** What goes of actors that are shredded, before anything else of the commit comes. */
  shredding({ shredded }: EncodedEffects): readonly BoundStatement[] {
    return [
      ...bound(this.#blank, shredded),
      ...bound(this.#unsend, shredded),
      ...bound(this.#forgetTimers, shredded),
    ];
  }

  /** Everything else, in the order that it must be written. */
  writing(effects: EncodedEffects, packetBytes: number): readonly BoundStatement[] {
    return [
      ...bound(this.#untag, effects.untagged),
      ...bound(this.#tag, effects.tags),
      ...bound(this.#send, effects.outbox, packetBytes),
      ...bound(this.#unschedule, effects.unscheduled),
      ...bound(this.#schedule, effects.schedules, packetBytes),
      ...effects.forgotten.map((row) => this.#forget.bind(1, row)),
      ...bound(this.#remember, effects.history, packetBytes),
      ...bound(this.#unseed, effects.unseeded),
      ...bound(this.#seed, effects.seeds, packetBytes),
    ];
  }
}

function bound(
  texts: BucketedTexts,
  rows: readonly SqlTuple[],
  packetBytes = Number.MAX_SAFE_INTEGER,
): readonly BoundStatement[] {
  return sliced(rows, packetBytes).map((slice) => texts.bind(slice.length, slice.flat()));
}
