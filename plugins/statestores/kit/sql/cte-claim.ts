import type { CteParts } from "./cte-dialect.ts";
import { valuesList } from "./cte-dialect.ts";
import type { AskedActor, ClaimAsk } from "./dialect.ts";
import { BucketedStatement } from "./sql-access.ts";
import type { SqlClient, SqlRow, SqlValue } from "./sql-client.ts";

const LIMIT = Number.MAX_SAFE_INTEGER;
const NOTHING = new Uint8Array(0);

/** JSON of a flat map of strings, without marks of broken UTF-8: what `encodeTags` writes. */
const STRING =
  String.raw`"([^"\\\x01-\x1f` + "\uFFFD" + String.raw`]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const TAGS_PATTERN = String.raw`^\{(${STRING}:${STRING}(,${STRING}:${STRING})*)?\}$`;

/**
 * UTF-8 without NUL and without U+FFFD, as the server writes bytes in its `escape` format: bytes from
 * 128 and NUL as a backslash and three octal digits, a backslash as two of them.
 */
const TAIL = String.raw`\\2[0-7][0-7]`;
const UTF8_PATTERN = (
  [
    String.raw`^([^\\]|\\\\`,
    String.raw`|\\3(0[2-7]|[123][0-7])${TAIL}`,
    String.raw`|\\340\\2[4-7][0-7]${TAIL}`,
    String.raw`|\\35[67]${TAIL}${TAIL}`,
    String.raw`|\\3(4[1-7]|5[0-4])${TAIL}${TAIL}`,
    String.raw`|\\355\\2[0-3][0-7]${TAIL}`,
    String.raw`|\\360\\2[2-7][0-7]${TAIL}${TAIL}`,
    String.raw`|\\36[123]${TAIL}${TAIL}${TAIL}`,
    String.raw`|\\364\\2[01][0-7]${TAIL}${TAIL})*$`,
  ] as const
).join("");

/** Conditions on row `a` of `actors` that `actorDamage` would find nothing against. */
function sound(names: string): string {
  return `a.actor_system = ${names}.actor_system AND a.actor_type = ${names}.actor_type
     AND a.actor_key = ${names}.actor_key
     AND a.epoch >= 0 AND a.epoch < ${LIMIT} AND a.revision >= 0 AND a.revision < ${LIMIT}
     AND (a.state IS NULL) = (a.state_type IS NULL) AND (a.state IS NULL OR a.revision > 0)
     AND (a.tags = '{}' OR a.tags ~ '${TAGS_PATTERN}')
     AND (a.state_type IS NULL OR a.state_type = '\\x6170706c69636174696f6e2f6a736f6e'
          OR (encode(a.state_type, 'escape') ~ '${UTF8_PATTERN}'
              AND position('\\xefbfbd'::bytea IN a.state_type) = 0))`;
}

/**
 * Claims in one statement: expired owners are fenced, rows are made or taken, and what was taken
 * comes back with its seed and its recorded ids. A row that was committed to after the statement had
 * begun is not taken, since its replies would not be seen; it is asked for again.
 */
export class CteClaim {
  readonly #statements: BucketedStatement;

  constructor(parts: CteParts) {
    this.#statements = new BucketedStatement((bucket) => claimText(parts, bucket));
  }

  async claim(client: SqlClient, ask: ClaimAsk): Promise<readonly SqlRow[]> {
    const { sessionId, actors, maxRequestIds } = ask;
    const { statement, keys } = this.#statements.for<AskedActor | undefined>(actors);
    const values: SqlValue[] = [sessionId, maxRequestIds];
    for (const [index, actor] of keys.entries()) {
      // Spare places ask for an identity that no actor has.
      if (index >= actors.length || actor === undefined) values.push(NOTHING, "", "", NOTHING);
      else values.push(actor.identity, actor.system, actor.type, actor.key);
    }
    return (await client.run(statement, values)).rows;
  }
}

function claimText({ fragments, table }: CteParts, bucket: number): string {
  const { now } = fragments;
  const actors = table("actors");
  const sessions = table("sessions");
  const asked = valuesList(3, ["bytea", "text", "text", "bytea"], bucket);
  return `WITH asked (actor, actor_system, actor_type, actor_key) AS (${asked}),
fenced AS (
  UPDATE ${sessions} SET state = 'fenced', up_name = NULL
   WHERE state = 'up' AND expires_ms <= ${now} AND id <> $1::bigint
     AND id IN (SELECT o.owner FROM ${actors} o WHERE o.actor IN (SELECT q.actor FROM asked q))
  RETURNING id),
taken AS (
  INSERT INTO ${actors} AS a (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
                              commits, updated_ms, tags)
  SELECT q.actor, q.actor_system, q.actor_type, q.actor_key, $1::bigint, 1, 0, 0, ${now}, '{}'
    FROM asked q
   WHERE length(q.actor) = 32 AND EXISTS
         (SELECT 1 FROM ${sessions} WHERE id = $1::bigint AND state = 'up' AND expires_ms > ${now})
  ON CONFLICT (actor) DO UPDATE SET owner = EXCLUDED.owner, epoch = a.epoch + 1
   WHERE (a.owner IS NULL OR a.owner = EXCLUDED.owner OR a.owner IN (SELECT f.id FROM fenced f)
          OR EXISTS (SELECT 1 FROM ${sessions} s WHERE s.id = a.owner AND s.state <> 'up'))
     AND a.commits = coalesce((SELECT b.commits FROM ${actors} b WHERE b.actor = a.actor), 0)
     AND ${sound("EXCLUDED")}
  RETURNING a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state)
SELECT t.actor, t.epoch, t.revision, t.tags, t.state_type, t.state, w.wrapped,
       (SELECT CASE WHEN count(*) <= $2::bigint
                    THEN coalesce(string_agg(encode(r.request_id, 'hex'), ','), '') END
          FROM (SELECT d.request_id FROM ${table("dedup")} d
                 WHERE d.actor = t.actor LIMIT $2::bigint + 1) r)
  FROM taken t LEFT JOIN ${table("seeds")} w ON w.actor = t.actor`;
}
