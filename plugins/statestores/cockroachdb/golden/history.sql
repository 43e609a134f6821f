SELECT h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state FROM "public".history h WHERE h.actor = $1 AND h.revision = $2;

SELECT h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state FROM "public".history h
        WHERE h.actor = $1 AND h.revision BETWEEN $2 AND $3 AND h.committed_ms BETWEEN $4 AND $5
        ORDER BY h.revision DESC LIMIT $6;

SELECT a.actor, a.actor_key FROM "public".actors a
        WHERE a.actor_system = $1 AND a.actor_type = $2 AND a.actor_key > $3
          AND EXISTS (SELECT 1 FROM "public".history h WHERE h.actor = a.actor)
        ORDER BY a.actor_key LIMIT $4;

SELECT r.actor, r.revision FROM
         (SELECT h.actor, h.revision, h.committed_ms,
                 row_number() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
            FROM "public".history h WHERE h.actor IN ($3)) r
        WHERE r.place > $1 ORDER BY r.actor, r.revision LIMIT $2;

DELETE FROM "public".history WHERE (actor = $1 AND revision = $2);

SELECT r.actor, r.revision FROM
         (SELECT h.actor, h.revision, h.committed_ms,
                 row_number() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
            FROM "public".history h WHERE h.actor IN ($3)) r
        WHERE r.committed_ms < (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $1 ORDER BY r.actor, r.revision LIMIT $2;
