WITH v (actor, epoch, base_revision, revision, writes, tags, state_type, state, n) AS (VALUES ($2::bytea,$3::bigint,$4::bigint,$5::bigint,$6::int,$7::text,$8::bytea,$9::bytea,0)),
won AS (
  UPDATE "public".actors a
     SET revision = v.revision, commits = a.commits + 1,
         updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms
                           ELSE (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) END,
         tags = CASE WHEN v.writes = 1 THEN v.tags ELSE a.tags END, state_type = CASE WHEN v.writes = 1 THEN v.state_type ELSE a.state_type END, state = CASE WHEN v.writes = 1 THEN v.state ELSE a.state END
    FROM v
   WHERE a.actor = v.actor AND a.epoch = v.epoch AND a.revision = v.base_revision
     AND a.owner = $1::bigint
     AND EXISTS (SELECT 1 FROM "public".sessions WHERE id = $1::bigint AND state = 'up')
  RETURNING a.actor, v.n)
SELECT n FROM won;

WITH v (actor, epoch, base_revision, revision, writes, tags, state_type, state, n) AS (VALUES ($2::bytea,$3::bigint,$4::bigint,$5::bigint,$6::int,$7::text,$8::bytea,$9::bytea,0),($10::bytea,$11::bigint,$12::bigint,$13::bigint,$14::int,$15::text,$16::bytea,$17::bytea,1)),
won AS (
  UPDATE "public".actors a
     SET revision = v.revision, commits = a.commits + 1,
         updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms
                           ELSE (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) END,
         tags = CASE WHEN v.writes = 1 THEN v.tags ELSE a.tags END, state_type = CASE WHEN v.writes = 1 THEN v.state_type ELSE a.state_type END, state = CASE WHEN v.writes = 1 THEN v.state ELSE a.state END
    FROM v
   WHERE a.actor = v.actor AND a.epoch = v.epoch AND a.revision = v.base_revision
     AND a.owner = $1::bigint
     AND EXISTS (SELECT 1 FROM "public".sessions WHERE id = $1::bigint AND state = 'up')
  RETURNING a.actor, v.n)
SELECT n FROM won;

WITH v (actor, epoch, base_revision, revision, writes, tags, state_type, state, n) AS (VALUES ($2::bytea,$3::bigint,$4::bigint,$5::bigint,$6::int,$7::text,$8::bytea,$9::bytea,0)),
won AS (
  UPDATE "public".actors a
     SET revision = v.revision, commits = a.commits + 1,
         updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms
                           ELSE (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) END,
         tags = CASE WHEN v.writes = 1 THEN v.tags ELSE a.tags END, state_type = CASE WHEN v.writes = 1 THEN v.state_type ELSE a.state_type END, state = CASE WHEN v.writes = 1 THEN v.state ELSE a.state END
    FROM v
   WHERE a.actor = v.actor AND a.epoch = v.epoch AND a.revision = v.base_revision
     AND a.owner = $1::bigint
     AND EXISTS (SELECT 1 FROM "public".sessions WHERE id = $1::bigint AND state = 'up')
  RETURNING a.actor, v.n),
replies AS (
  INSERT INTO "public".dedup (actor, request_id, revision, committed_ms, digest, reply)
  SELECT e.actor, e.request_id, e.revision, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), e.digest, e.reply
    FROM (VALUES ($10::bytea,$11::bytea,$12::bigint,$13::bytea,$14::bytea)) AS e (actor, request_id, revision, digest, reply) JOIN won ON won.actor = e.actor
  ON CONFLICT (actor, request_id) DO NOTHING RETURNING 1)
SELECT n FROM won;

WITH v (actor, epoch, base_revision, revision, writes, tags, state_type, state, n) AS (VALUES ($2::bytea,$3::bigint,$4::bigint,$5::bigint,$6::int,$7::text,$8::bytea,$9::bytea,0)),
won AS (
  UPDATE "public".actors a
     SET revision = v.revision, commits = a.commits + 1,
         updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms
                           ELSE (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) END,
         tags = CASE WHEN v.writes = 1 THEN v.tags ELSE a.tags END, state_type = CASE WHEN v.writes = 1 THEN v.state_type ELSE a.state_type END, state = CASE WHEN v.writes = 1 THEN v.state ELSE a.state END
    FROM v
   WHERE a.actor = v.actor AND a.epoch = v.epoch AND a.revision = v.base_revision
     AND a.owner = $1::bigint
     AND EXISTS (SELECT 1 FROM "public".sessions WHERE id = $1::bigint AND state = 'up')
  RETURNING a.actor, v.n),
replies AS (
  INSERT INTO "public".dedup (actor, request_id, revision, committed_ms, digest, reply)
  SELECT e.actor, e.request_id, e.revision, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), e.digest, e.reply
    FROM unnest($10::bytea[], $11::bytea[], $12::bigint[], $13::bytea[], $14::bytea[]) WITH ORDINALITY AS e (actor, request_id, revision, digest, reply, n) JOIN won ON won.actor = e.actor
  ON CONFLICT (actor, request_id) DO NOTHING RETURNING 1)
SELECT n FROM won;

DELETE FROM "public".outbox t
        WHERE t.actor IN (SELECT e.actor FROM unnest($1::bytea[]) WITH ORDINALITY AS e (actor, n));

DELETE FROM "public".schedules t
        WHERE t.actor IN (SELECT e.actor FROM unnest($1::bytea[]) WITH ORDINALITY AS e (actor, n));

UPDATE "public".dedup t SET digest = ''::bytea, reply = ''::bytea
         FROM unnest($1::bytea[]) WITH ORDINALITY AS e (actor, n) WHERE t.actor = e.actor;

INSERT INTO "public".dedup (actor, request_id, revision, digest, reply, committed_ms)
       SELECT e.actor, e.request_id, e.revision, e.digest, e.reply, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS e (actor, request_id, revision, digest, reply, n) ORDER BY e.n ON CONFLICT (actor, request_id) DO NOTHING;

DELETE FROM "public".actor_tags t
        WHERE t.actor IN (SELECT e.actor FROM unnest($1::bytea[]) WITH ORDINALITY AS e (actor, n));

INSERT INTO "public".actor_tags (actor, tag, actor_type, actor_key)
       SELECT e.actor, e.tag, e.actor_type, e.actor_key FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bytea[]) WITH ORDINALITY AS e (actor, tag, actor_type, actor_key, n) ORDER BY e.n;

INSERT INTO "public".outbox (actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, body, due_ms, ready_ms, attempts)
       SELECT e.actor, e.target, e.target_system, e.target_type, e.target_key, e.message_id, e.revision, e.place, e.action, e.delay_ms, e.body, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + e.delay_ms, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + e.delay_ms, 0 FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::bytea[]) WITH ORDINALITY AS e (actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, body, n) ORDER BY e.n;

DELETE FROM "public".schedules t
        WHERE (t.actor, t.name) IN (SELECT e.actor, e.name FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS e (actor, name, n));

INSERT INTO "public".schedules (actor, name, due_ms, action, repetition, body, held_until_ms)
       SELECT e.actor, e.name, e.due_ms, e.action, e.repetition, e.body, 0 FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[]) WITH ORDINALITY AS e (actor, name, due_ms, action, repetition, body, n) ORDER BY e.n;

DELETE FROM "public".history t
        WHERE (t.actor, t.revision) IN
              (SELECT r.actor, r.revision FROM
                 (SELECT o.actor, o.revision, e.keep,
                         row_number() OVER (PARTITION BY o.actor ORDER BY o.revision DESC) AS nth
                    FROM "public".history o JOIN unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS e (actor, keep, n) ON e.actor = o.actor) r
                WHERE r.nth > r.keep);

INSERT INTO "public".history (actor, revision, action, tags, state_type, state, committed_ms)
       SELECT e.actor, e.revision, e.action, e.tags, e.state_type, e.state, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[]) WITH ORDINALITY AS e (actor, revision, action, tags, state_type, state, n) ORDER BY e.n ON CONFLICT (actor, revision) DO UPDATE
          SET committed_ms = EXCLUDED.committed_ms, action = EXCLUDED.action,
              tags = EXCLUDED.tags, state_type = EXCLUDED.state_type, state = EXCLUDED.state;

DELETE FROM "public".seeds t
        WHERE t.actor IN (SELECT e.actor FROM unnest($1::bytea[]) WITH ORDINALITY AS e (actor, n));

INSERT INTO "public".seeds (actor, wrapped)
       SELECT e.actor, e.wrapped FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS e (actor, wrapped, n) ORDER BY e.n ON CONFLICT (actor) DO UPDATE SET wrapped = EXCLUDED.wrapped;
