import type { ActorSummary, Search } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import { decodeTags, positionDamage } from "../row-codec.ts";
import { prepared } from "./dialect.ts";
import {
  integerOf,
  numberOf,
  tagDigest,
  textOf,
  unreadable,
  utf8,
  utf8Prefix,
} from "./row-values.ts";
import type { SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlStatement, SqlValue } from "./sql-client.ts";

/** Most tags in one query: each number of them is a statement of its own. */
const MAX_TAGS = 16;

/** UTF-8 has no such byte, so it is greater than whatever follows a prefix. */
const BEYOND = 0xff;

/**
 * Finds actors by walking an index in order of (type, key), so a page costs what it shows;
 * only a prefix of keys without a type walks the whole system.
 */
export class SearchTable implements Search {
  readonly #access: SqlAccess;
  /** By the number of tags and whether a type is given. */
  readonly #statements = new Map<string, SqlStatement>();

  constructor(access: SqlAccess) {
    this.#access = access;
  }

  async list(query: Parameters<Search["list"]>[0]): Promise<readonly ActorSummary[]> {
    const { system, type, keyPrefix = "", tags = {}, after, limit } = query;
    if (type !== undefined && after !== undefined && after.type > type) return [];
    const digests = Object.entries(tags).map(([name, value]) => tagDigest(system, name, value));
    if (digests.length > MAX_TAGS) throw this.#access.attempts.raise(tooManyTags());
    const from = type ?? after?.type ?? "";
    const afterKey = type === undefined || after?.type === type ? (after?.key ?? "") : "";
    const prefix = utf8Prefix(keyPrefix);
    const beyond = Uint8Array.of(...prefix, BEYOND);
    const values: SqlValue[] = [system, from, utf8(afterKey), prefix, beyond, limit, ...digests];
    return await this.#access.attempt("repeat", async (client) => {
      const { rows } = await client.run(
        this.#statement(digests.length, type !== undefined),
        values,
      );
      return rows.map(view);
    });
  }

  #statement(tags: number, hasType: boolean): SqlStatement {
    const name = `${tags} ${hasType}`;
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      statement = prepared(this.#text(tags, hasType));
      this.#statements.set(name, statement);
    }
    return statement;
  }

  #text(tags: number, hasType: boolean): string {
    const { dialect } = this.#access;
    const { after, first } = dialect.fragments;
    const actorTags = dialect.table("actor_tags");
    // The first tag's rows are walked in order; the others are looked up for each.
    const walked = tags === 0 ? "a" : "t";
    const others = Array.from(
      { length: Math.max(0, tags - 1) },
      (_, index) =>
        `AND EXISTS (SELECT 1 FROM ${actorTags} x WHERE x.tag = $${8 + index}
                        AND x.actor_type = t.actor_type AND x.actor_key = t.actor_key)`,
    );
    const columns = [`${walked}.actor_type`, `${walked}.actor_key`];
    const position = hasType
      ? `${walked}.actor_type = $2 AND ${walked}.actor_key > $3`
      : after(columns, ["$2", "$3"]);
    const tagged = tags === 0 ? "" : `JOIN ${actorTags} t ON t.actor = a.actor AND t.tag = $7`;
    return `SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
                   CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
              FROM ${dialect.table("actors")} a ${tagged}
             WHERE a.actor_system = $1 AND ${position}
               AND ${walked}.actor_key >= $4 AND ${walked}.actor_key < $5 ${others.join(" ")}
             ${first(hasType ? `${walked}.actor_key` : columns.join(", "), "$6")}`;
  }
}

function tooManyTags(): StoreFailure {
  const message = `a query names more than ${MAX_TAGS} tags`;
  return new StoreFailure("request.invalid", message, "not_applied", { reason: "TAGS_TOO_MANY" });
}

function view(row: SqlRow): ActorSummary {
  const [system, type, key, revision, epoch, tagsText, hasState, updatedMs] = row;
  const tags = decodeTags(tagsText);
  const reason =
    tags === undefined
      ? "TAGS_UNREADABLE"
      : positionDamage(integerOf(epoch), integerOf(revision), false);
  if (tags === undefined || reason !== undefined) {
    throw unreadable(`the row of actor ${textOf(key)}`, reason ?? "");
  }
  return {
    actor: { system: textOf(system), type: textOf(type), key: textOf(key) },
    revision: numberOf(revision),
    epoch: numberOf(epoch),
    tags,
    hasState: numberOf(hasState) === 1,
    updatedMs: numberOf(updatedMs),
  };
}
