import type { ActorSummary, Search, StringMap } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { decodeTags, positionDamage } from "../kit/row-codec.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const COLUMNS = `a.system, a.type, a.key, a.revision, a.epoch, a.tags, a.state IS NOT NULL,
  a.updated_ms`;

/** The greatest text that begins with a prefix is the prefix and this, as keys have 255 bytes. */
const LAST_SUFFIX = "\u{10FFFF}".repeat(64);

/**
 * Finds actors by walking an index in order of (type, key), so a page costs what it shows;
 * only a prefix of keys without a type walks the whole system.
 */
export class SearchTable {
  readonly #connection: SqliteConnection;
  readonly #all: SqlStatement;
  readonly #ofType: SqlStatement;
  readonly #tagged: SqlStatement;
  readonly #taggedOfType: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#all = connection.prepare(
      `SELECT ${COLUMNS} FROM actors a
        WHERE a.system = ?1 AND (a.type, a.key) > (?2, ?3) AND a.key BETWEEN ?4 AND ?5
        ORDER BY a.type, a.key LIMIT ?6`,
    );
    this.#ofType = connection.prepare(
      `SELECT ${COLUMNS} FROM actors a
        WHERE a.system = ?1 AND a.type = ?2 AND a.key > ?3 AND a.key BETWEEN ?4 AND ?5
        ORDER BY a.key LIMIT ?6`,
    );
    // The first tag's rows are walked in order; the others are looked up for each.
    const tagged = `SELECT ${COLUMNS} FROM actor_tags t JOIN actors a ON a.number = t.actor
      WHERE t.system = ?1 AND t.name = ?7 AND t.value = ?8 AND t.key BETWEEN ?4 AND ?5
        AND NOT EXISTS (SELECT 1 FROM json_each(?9) w WHERE NOT EXISTS
              (SELECT 1 FROM actor_tags x WHERE x.system = t.system AND x.name = w.key
                  AND x.value = w.value AND x.type = t.type AND x.key = t.key))`;
    this.#tagged = connection.prepare(
      `${tagged} AND (t.type, t.key) > (?2, ?3) ORDER BY t.type, t.key LIMIT ?6`,
    );
    this.#taggedOfType = connection.prepare(
      `${tagged} AND t.type = ?2 AND t.key > ?3 ORDER BY t.key LIMIT ?6`,
    );
  }

  list(query: Parameters<Search["list"]>[0]): readonly ActorSummary[] {
    const { system, type, keyPrefix = "", tags = {}, after, limit } = query;
    if (type !== undefined && after !== undefined && after.type > type) return [];
    const from = type ?? after?.type ?? "";
    const afterKey = type === undefined || after?.type === type ? (after?.key ?? "") : "";
    const range = [system, from, afterKey, keyPrefix, keyPrefix + LAST_SUFFIX, limit] as const;
    return this.#connection.read(() => {
      const [first, ...others] = Object.entries(tags);
      const statement = type === undefined ? this.#all : this.#ofType;
      const taggedStatement = type === undefined ? this.#tagged : this.#taggedOfType;
      const rows =
        first === undefined
          ? statement.all(...range)
          : taggedStatement.all(...range, ...first, otherTags(others));
      return rows.map(view);
    });
  }
}

function otherTags(entries: readonly (readonly [string, string])[]): string {
  return JSON.stringify(Object.fromEntries(entries) satisfies StringMap);
}

function view(row: SqlRow): ActorSummary {
  const [system, type, key, revision, epoch, tagsText, hasState, updatedMs] = row;
  const tags = decodeTags(tagsText);
  const reason = tags === undefined ? "TAGS_UNREADABLE" : positionDamage(epoch, revision, false);
  if (tags === undefined || reason !== undefined) {
    const subject = `the row of actor ${String(key)} cannot be read`;
    throw new StoreFailure("state.corrupt", subject, "not_applied", { reason: reason ?? "" });
  }
  return {
    actor: { system: String(system), type: String(type), key: String(key) },
    revision: Number(revision),
    epoch: Number(epoch),
    tags,
    hasState: hasState === 1n,
    updatedMs: Number(updatedMs),
  };
}
