SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
                   CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
              FROM "public".actors a 
             WHERE a.actor_system = $1 AND (a.actor_type, a.actor_key) > ($2, $3)
               AND a.actor_key >= $4 AND a.actor_key < $5 
             ORDER BY a.actor_type, a.actor_key LIMIT $6;

SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
                   CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
              FROM "public".actors a 
             WHERE a.actor_system = $1 AND a.actor_type = $2 AND a.actor_key > $3
               AND a.actor_key >= $4 AND a.actor_key < $5 
             ORDER BY a.actor_key LIMIT $6;

SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
                   CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
              FROM "public".actors a JOIN "public".actor_tags t ON t.actor = a.actor AND t.tag = $7
             WHERE a.actor_system = $1 AND t.actor_type = $2 AND t.actor_key > $3
               AND t.actor_key >= $4 AND t.actor_key < $5 AND EXISTS (SELECT 1 FROM "public".actor_tags x WHERE x.tag = $8
                        AND x.actor_type = t.actor_type AND x.actor_key = t.actor_key)
             ORDER BY t.actor_key LIMIT $6;

SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
                   CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
              FROM "public".actors a JOIN "public".actor_tags t ON t.actor = a.actor AND t.tag = $7
             WHERE a.actor_system = $1 AND (t.actor_type, t.actor_key) > ($2, $3)
               AND t.actor_key >= $4 AND t.actor_key < $5 
             ORDER BY t.actor_type, t.actor_key LIMIT $6;
