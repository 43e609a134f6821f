SELECT count(*) FROM "public".types;

SELECT count(*) FROM "public".meta;

SELECT count(*) FROM "public".actors;

SELECT count(*) FROM "public".seeds;

SELECT count(*) FROM "public".history;

SELECT count(*) FROM "public".dedup;

SELECT count(*) FROM "public".outbox;

SELECT count(*) FROM "public".schedules;

SELECT t.actor_system, t.actor_type, t.spec
       FROM "public".types t 
      WHERE (t.actor_system, t.actor_type) > ($1, $2) ORDER BY t.actor_system, t.actor_type LIMIT $3;

SELECT t.name, t.value
       FROM "public".meta t 
      WHERE t.name > $1 ORDER BY t.name LIMIT $2;

SELECT t.actor, t.actor_system, t.actor_type, t.actor_key, t.epoch, t.revision, t.tags, t.state_type, t.state, t.updated_ms
       FROM "public".actors t 
      WHERE t.actor > $1 ORDER BY t.actor LIMIT $2;

SELECT t.actor, t.wrapped, a.actor_system, a.actor_type, a.actor_key
       FROM "public".seeds t LEFT JOIN "public".actors a ON a.actor = t.actor
      WHERE t.actor > $1 ORDER BY t.actor LIMIT $2;

SELECT t.actor, t.revision, t.revision, t.committed_ms, t.tags, t.action, t.state_type, t.state, a.actor_system, a.actor_type, a.actor_key
       FROM "public".history t LEFT JOIN "public".actors a ON a.actor = t.actor
      WHERE (t.actor, t.revision) > ($1, $2) ORDER BY t.actor, t.revision LIMIT $3;

SELECT t.actor, t.request_id, t.request_id, t.digest, t.revision, t.reply, t.committed_ms, a.actor_system, a.actor_type, a.actor_key
       FROM "public".dedup t LEFT JOIN "public".actors a ON a.actor = t.actor
      WHERE (t.actor, t.request_id) > ($1, $2) ORDER BY t.actor, t.request_id LIMIT $3;

SELECT t.number, t.message_id, t.revision, t.place, t.target_system, t.target_type, t.target_key, t.action, t.delay_ms, t.body, t.due_ms, t.attempts, t.dead_reason, a.actor_system, a.actor_type, a.actor_key
       FROM "public".outbox t LEFT JOIN "public".actors a ON a.actor = t.actor
      WHERE t.number > $1 ORDER BY t.number LIMIT $2;

SELECT t.number, t.name, t.due_ms, t.repetition, t.action, t.body, a.actor_system, a.actor_type, a.actor_key
       FROM "public".schedules t LEFT JOIN "public".actors a ON a.actor = t.actor
      WHERE t.number > $1 ORDER BY t.number LIMIT $2;

INSERT INTO "public".types (actor_system, actor_type, spec) VALUES ($1, $2, $3)
            ON CONFLICT (actor_system, actor_type) DO UPDATE SET spec = EXCLUDED.spec;

INSERT INTO "public".meta (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;

INSERT INTO "public".actors (actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (actor) DO UPDATE SET actor_system = EXCLUDED.actor_system, actor_type = EXCLUDED.actor_type, actor_key = EXCLUDED.actor_key, owner = EXCLUDED.owner, epoch = EXCLUDED.epoch, revision = EXCLUDED.revision, commits = EXCLUDED.commits, updated_ms = EXCLUDED.updated_ms, tags = EXCLUDED.tags, state_type = EXCLUDED.state_type, state = EXCLUDED.state;

DELETE FROM "public".actor_tags WHERE actor IN ($1);

INSERT INTO "public".actor_tags (tag, actor_type, actor_key, actor) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tag, actor_type, actor_key) DO UPDATE SET actor = EXCLUDED.actor;

INSERT INTO "public".seeds (actor, wrapped) VALUES ($1, $2)
            ON CONFLICT (actor) DO UPDATE SET wrapped = EXCLUDED.wrapped;

INSERT INTO "public".history (actor, revision, committed_ms, action, tags, state_type, state) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (actor, revision) DO UPDATE SET committed_ms = EXCLUDED.committed_ms, action = EXCLUDED.action, tags = EXCLUDED.tags, state_type = EXCLUDED.state_type, state = EXCLUDED.state;

INSERT INTO "public".dedup (actor, request_id, revision, committed_ms, digest, reply) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (actor, request_id) DO UPDATE SET revision = EXCLUDED.revision, committed_ms = EXCLUDED.committed_ms, digest = EXCLUDED.digest, reply = EXCLUDED.reply;

DELETE FROM "public".outbox
          WHERE (actor = $1 AND message_id = $2);

INSERT INTO "public".outbox (actor, message_id, target, target_system, target_type, target_key, revision, place, action, delay_ms, due_ms, ready_ms, attempts, dead_reason, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

DELETE FROM "public".schedules
          WHERE (actor = $1 AND name = $2);

INSERT INTO "public".schedules (actor, name, due_ms, held_until_ms, action, repetition, body) VALUES ($1, $2, $3, $4, $5, $6, $7);
