SELECT l.name FROM "public".locks l 
        WHERE l.name = 'outbox' FOR UPDATE;

SELECT o.number, o.message_id, o.revision, o.place, o.target_system, o.target_type,
      o.target_key, o.action, o.delay_ms, o.attempts, o.body,
      a.actor_system, a.actor_type, a.actor_key, o.dead_reason FROM "public".outbox o JOIN "public".actors a ON a.actor = o.actor
        WHERE o.ready_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AND o.dead_reason IS NULL AND NOT EXISTS
              (SELECT 1 FROM "public".outbox p
                WHERE p.actor = o.actor AND p.target = o.target AND p.number < o.number
                  AND p.dead_reason IS NULL AND p.due_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AND p.ready_ms > o.ready_ms)
        ORDER BY o.ready_ms, o.number LIMIT $1;

UPDATE "public".outbox SET ready_ms = (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $1, attempts = attempts + 1
          WHERE number IN ($2);

DELETE FROM "public".outbox WHERE number IN ($1);

UPDATE "public".outbox SET ready_ms = (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $1 WHERE number = $2 AND dead_reason IS NULL;

UPDATE "public".outbox SET dead_reason = $1, ready_ms = 9007199254740991 WHERE number = $2;

SELECT o.number, o.message_id, o.revision, o.place, o.target_system, o.target_type,
      o.target_key, o.action, o.delay_ms, o.attempts, o.body,
      a.actor_system, a.actor_type, a.actor_key, o.dead_reason FROM "public".outbox o JOIN "public".actors a ON a.actor = o.actor
        WHERE o.ready_ms = 9007199254740991 AND o.dead_reason IS NOT NULL ORDER BY o.number LIMIT $1;

SELECT s.number FROM "public".schedules s 
        WHERE s.due_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AND s.held_until_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ORDER BY s.due_ms, s.number LIMIT $1 FOR UPDATE SKIP LOCKED;

UPDATE "public".schedules SET held_until_ms = (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $1 WHERE number IN ($2);

SELECT s.number, s.name, s.due_ms, s.repetition, s.action, s.body,
                         a.actor_system, a.actor_type, a.actor_key
                    FROM "public".schedules s JOIN "public".actors a ON a.actor = s.actor WHERE s.number IN ($1) ORDER BY s.due_ms, s.number;

UPDATE "public".schedules SET due_ms = $1, held_until_ms = 0 WHERE number = $2 AND due_ms = $3;

DELETE FROM "public".schedules WHERE number = $1 AND due_ms = $2;

SELECT s.number, s.name, s.due_ms, s.repetition, s.action, s.body,
                         a.actor_system, a.actor_type, a.actor_key
                    FROM "public".schedules s JOIN "public".actors a ON a.actor = s.actor WHERE s.actor = $1 ORDER BY s.name;
