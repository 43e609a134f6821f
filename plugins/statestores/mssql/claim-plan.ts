import type { ClaimAsk } from "../kit/sql/dialect.ts";
import { bucketOf, prepared } from "../kit/sql/dialect.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlClient, SqlRow, SqlStatement, SqlValue } from "../kit/sql/sql-client.ts";
import { COLUMN_TYPES, NAME_COLLATION, NOW, type RowColumn, rowSource } from "./mssql-types.ts";

const ASKED: readonly RowColumn[] = [
  { name: "actor", kind: "identity" },
  { name: "actor_system", kind: "name" },
  { name: "actor_type", kind: "name" },
  { name: "actor_key", kind: "label" },
];

const NOBODY: readonly SqlValue[] = [null, null, null, null];

/** Beyond this no integer is exact on our side. */
const LIMIT = `${Number.MAX_SAFE_INTEGER}`;

/** What a row must be to be served, as far as the server can tell. */
const SOUND = `a.epoch >= 0 AND a.epoch < ${LIMIT} AND a.revision >= 0 AND a.revision < ${LIMIT}
   AND (a.state IS NULL OR a.revision > 0)
   AND ((a.state IS NULL AND a.state_type IS NULL) OR (a.state IS NOT NULL AND a.state_type IS NOT NULL))
   AND ISJSON(a.tags) = 1`;

/**
 * Taking actors, in one batch and so in one round trip. Rows that are there are updated, missing ones
 * inserted afterwards: a row that another process inserts in between is not taken this time. The
 * rows taken are locked until the end, so what is read of them is what their last commit left.
 */
export class ClaimPlan {
  readonly #table: (name: SqlTableName) => string;
  readonly #statements = new Map<number, SqlStatement>();

  constructor(table: (name: SqlTableName) => string) {
    this.#table = table;
  }

  async run(client: SqlClient, ask: ClaimAsk): Promise<readonly SqlRow[]> {
    const bucket = bucketOf(ask.actors.length);
    // One id more than is wanted tells that there are too many.
    const values: SqlValue[] = [ask.sessionId, ask.maxRequestIds + 1];
    for (const { identity, system, type, key } of ask.actors) {
      values.push(identity, system, type, key);
    }
    for (let at = ask.actors.length; at < bucket; at += 1) values.push(...NOBODY);
    return (await client.run(this.statement(bucket), values)).rows;
  }

  /** The statement for at most `bucket` actors. */
  statement(bucket: number): SqlStatement {
    let statement = this.#statements.get(bucket);
    if (statement === undefined) {
      statement = prepared(this.#text(bucket));
      this.#statements.set(bucket, statement);
    }
    return statement;
  }

  #text(bucket: number): string {
    const [actors, sessions] = [this.#table("actors"), this.#table("sessions")];
    const [dedup, seeds] = [this.#table("dedup"), this.#table("seeds")];
    const { identity, name, label } = COLUMN_TYPES;
    const source = rowSource(ASKED, 3, bucket);
    return `DECLARE @now bigint = ${NOW};
DECLARE @asked TABLE (actor ${identity} NOT NULL PRIMARY KEY,
  actor_system ${name} COLLATE ${NAME_COLLATION} NOT NULL,
  actor_type ${name} COLLATE ${NAME_COLLATION} NOT NULL, actor_key ${label} NOT NULL);
DECLARE @taken TABLE (actor ${identity} NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
INSERT INTO @asked (actor, actor_system, actor_type, actor_key)
SELECT v.actor, v.actor_system, v.actor_type, v.actor_key
  FROM ${source.text}
 WHERE v.actor IS NOT NULL AND EXISTS
   (SELECT 1 FROM ${sessions} s WITH (READCOMMITTEDLOCK)
     WHERE s.id = CAST($1 AS bigint) AND s.state = 'up' AND s.expires_ms > @now);
UPDATE ${sessions} SET state = 'fenced', up_name = NULL
 WHERE state = 'up' AND expires_ms <= @now AND id <> $1 AND id IN
   (SELECT a.owner FROM @asked k JOIN ${actors} a ON a.actor = k.actor);
UPDATE a SET owner = $1, epoch = a.epoch + 1
OUTPUT inserted.actor INTO @taken
  FROM @asked k INNER LOOP JOIN ${actors} a WITH (ROWLOCK) ON a.actor = k.actor
 WHERE a.actor_system = k.actor_system AND a.actor_type = k.actor_type
   AND a.actor_key = k.actor_key
   AND ${SOUND}
   AND (a.owner IS NULL OR a.owner = $1 OR EXISTS
     (SELECT 1 FROM ${sessions} s WHERE s.id = a.owner AND s.state <> 'up'));
INSERT INTO ${actors} (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
  commits, updated_ms, tags)
OUTPUT inserted.actor INTO @taken
SELECT k.actor, k.actor_system, k.actor_type, k.actor_key, $1, 1, 0, 0, @now, N'{}'
  FROM @asked k
 WHERE NOT EXISTS (SELECT 1 FROM @taken t WHERE t.actor = k.actor) AND NOT EXISTS
   (SELECT 1 FROM ${actors} a WITH (UPDLOCK, SERIALIZABLE) WHERE a.actor = k.actor);
SELECT a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state, w.wrapped,
  (SELECT CASE WHEN COUNT_BIG(*) = CAST($2 AS bigint) THEN NULL
          ELSE COALESCE(STRING_AGG(CONVERT(varchar(max), d.request_id, 2), ','), '') END
     FROM (SELECT r.request_id FROM ${dedup} r WHERE r.actor = a.actor
            ORDER BY r.request_id OFFSET 0 ROWS FETCH NEXT $2 ROWS ONLY) d) AS request_ids
  FROM @taken t JOIN ${actors} a ON a.actor = t.actor
  LEFT JOIN ${seeds} w ON w.actor = a.actor;
COMMIT TRANSACTION;`;
  }
}
