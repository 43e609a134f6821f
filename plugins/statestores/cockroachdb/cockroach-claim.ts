import { askedClauses, mayAsk, soundActor, takenRows } from "../kit/sql/cte-claim.ts";
import type { CteParts } from "../kit/sql/cte-dialect.ts";

/**
 * Claims at SERIALIZABLE: what is decided on the rows as they are read holds when they are written, or
 * the statement is repeated. So nothing is left to the conflict clause but to write.
 */
export function serializableClaim(parts: CteParts, bucket: number): string {
  const { fragments, table } = parts;
  const actors = table("actors");
  return `WITH ${askedClauses(parts, bucket)},
taken AS (
  INSERT INTO ${actors} AS a (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
                              commits, updated_ms, tags)
  SELECT q.actor, q.actor_system, q.actor_type, q.actor_key, $1::bigint, 1, 0, 0, ${fragments.now},
         '{}'
    FROM asked q
    LEFT JOIN ${actors} o ON o.actor = q.actor
    LEFT JOIN ${table("sessions")} s ON s.id = o.owner
   WHERE ${mayAsk(parts)}
     AND (o.actor IS NULL
          OR ((o.owner IS NULL OR o.owner = $1::bigint OR s.state <> 'up'
               OR o.owner IN (SELECT f.id FROM fenced f))
              AND ${soundActor("o", "q")}))
  ON CONFLICT (actor) DO UPDATE SET owner = EXCLUDED.owner, epoch = a.epoch + 1
  RETURNING a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state)
${takenRows(parts)}`;
}
