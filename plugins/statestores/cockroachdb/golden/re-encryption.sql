SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
              CASE WHEN substring(p.state, 1, 1) <> $1 OR substring(p.state, 3, 8) <> $2
                     OR (s.wrapped IS NOT NULL AND substring(p.state, 2, 1) = $3)
                   THEN p.state END, s.wrapped
         FROM (SELECT * FROM "public".actors t WHERE t.actor > $5
          ORDER BY t.actor LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.actor;

SELECT p.actor, p.revision, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
              CASE WHEN substring(p.state, 1, 1) <> $1 OR substring(p.state, 3, 8) <> $2
                     OR (s.wrapped IS NOT NULL AND substring(p.state, 2, 1) = $3)
                   THEN p.state END, s.wrapped
         FROM (SELECT * FROM "public".history t WHERE (t.actor, t.revision) > ($5, $6)
          ORDER BY t.actor, t.revision LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.actor, p.revision;

SELECT p.actor, p.request_id, a.actor_system, a.actor_type, a.actor_key, p.revision, p.request_id,
              CASE WHEN substring(p.reply, 1, 1) <> $1 OR substring(p.reply, 3, 8) <> $2
                     OR (s.wrapped IS NOT NULL AND substring(p.reply, 2, 1) = $3)
                   THEN p.reply END, s.wrapped
         FROM (SELECT * FROM "public".dedup t WHERE (t.actor, t.request_id) > ($5, $6)
          ORDER BY t.actor, t.request_id LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.actor, p.request_id;

SELECT p.number, a.actor_system, a.actor_type, a.actor_key, p.revision, p.message_id,
              CASE WHEN substring(p.body, 1, 1) <> $1 OR substring(p.body, 3, 8) <> $2
                     OR (s.wrapped IS NOT NULL AND substring(p.body, 2, 1) = $3)
                   THEN p.body END, s.wrapped
         FROM (SELECT * FROM "public".outbox t WHERE t.number > $5
          ORDER BY t.number LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.number;

SELECT p.number, a.actor_system, a.actor_type, a.actor_key, 0, p.name,
              CASE WHEN substring(p.body, 1, 1) <> $1 OR substring(p.body, 3, 8) <> $2
                     OR (s.wrapped IS NOT NULL AND substring(p.body, 2, 1) = $3)
                   THEN p.body END, s.wrapped
         FROM (SELECT * FROM "public".schedules t WHERE t.number > $5
          ORDER BY t.number LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.number;

SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, 0, '',
              CASE WHEN substring(p.wrapped, 1, 1) <> $1 OR substring(p.wrapped, 3, 8) <> $2
                     OR (1 = 0 AND substring(p.wrapped, 2, 1) = $3)
                   THEN p.wrapped END, s.wrapped
         FROM (SELECT * FROM "public".seeds t WHERE t.actor > $5
          ORDER BY t.actor LIMIT $4) p
         LEFT JOIN "public".actors a ON a.actor = p.actor
         LEFT JOIN "public".seeds s ON s.actor = p.actor
        ORDER BY p.actor;

UPDATE "public".actors SET state = $1 WHERE state = $2 AND actor = $3;

UPDATE "public".history SET state = $1 WHERE state = $2 AND actor = $3 AND revision = $4;

UPDATE "public".dedup SET reply = $1 WHERE reply = $2 AND actor = $3 AND request_id = $4;

UPDATE "public".outbox SET body = $1 WHERE body = $2 AND number = $3;

UPDATE "public".schedules SET body = $1 WHERE body = $2 AND number = $3;

UPDATE "public".seeds SET wrapped = $1 WHERE wrapped = $2 AND actor = $3;

SELECT t.actor, substring(t.state, 1, 10) FROM "public".actors t WHERE t.actor > $2
          ORDER BY t.actor LIMIT $1;

SELECT t.actor, t.revision, substring(t.state, 1, 10) FROM "public".history t WHERE (t.actor, t.revision) > ($2, $3)
          ORDER BY t.actor, t.revision LIMIT $1;

SELECT t.actor, t.request_id, substring(t.reply, 1, 10) FROM "public".dedup t WHERE (t.actor, t.request_id) > ($2, $3)
          ORDER BY t.actor, t.request_id LIMIT $1;

SELECT t.number, substring(t.body, 1, 10) FROM "public".outbox t WHERE t.number > $2
          ORDER BY t.number LIMIT $1;

SELECT t.number, substring(t.body, 1, 10) FROM "public".schedules t WHERE t.number > $2
          ORDER BY t.number LIMIT $1;

SELECT t.actor, substring(t.wrapped, 1, 10) FROM "public".seeds t WHERE t.actor > $2
          ORDER BY t.actor LIMIT $1;
