WITH asked (actor, actor_system, actor_type, actor_key) AS (VALUES ($3::bytea,$4::text,$5::text,$6::bytea)),
fenced AS (
  UPDATE "public".sessions SET state = 'fenced', up_name = NULL
   WHERE state = 'up' AND expires_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AND id <> $1::bigint
     AND id IN (SELECT o.owner FROM "public".actors o WHERE o.actor IN (SELECT q.actor FROM asked q))
  RETURNING id),
taken AS (
  INSERT INTO "public".actors AS a (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
                              commits, updated_ms, tags)
  SELECT q.actor, q.actor_system, q.actor_type, q.actor_key, $1::bigint, 1, 0, 0, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint),
         '{}'
    FROM asked q
    LEFT JOIN "public".actors o ON o.actor = q.actor
    LEFT JOIN "public".sessions s ON s.id = o.owner
   WHERE length(q.actor) = 32 AND EXISTS
         (SELECT 1 FROM "public".sessions me
           WHERE me.id = $1::bigint AND me.state = 'up' AND me.expires_ms > (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint))
     AND (o.actor IS NULL
          OR ((o.owner IS NULL OR o.owner = $1::bigint OR s.state <> 'up'
               OR o.owner IN (SELECT f.id FROM fenced f))
              AND o.actor_system = q.actor_system AND o.actor_type = q.actor_type
     AND o.actor_key = q.actor_key
     AND o.epoch >= 0 AND o.epoch < 9007199254740991
     AND o.revision >= 0 AND o.revision < 9007199254740991
     AND (o.state IS NULL) = (o.state_type IS NULL)
     AND (o.state IS NULL OR o.revision > 0)
     AND (o.tags = '{}' OR o.tags ~ '^\{("([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*":"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"(,"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*":"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*")*)?\}$')
     AND (o.state_type IS NULL
          OR o.state_type = '\x6170706c69636174696f6e2f6a736f6e'::bytea
          OR (encode(o.state_type, 'escape') ~ '^([^\\]|\\\\|\\0(0[1-7]|[123][0-7])|\\177|\\3(0[2-7]|[123][0-7])\\2[0-7][0-7]|\\340\\2[4-7][0-7]\\2[0-7][0-7]|\\35[67]\\2[0-7][0-7]\\2[0-7][0-7]|\\3(4[1-7]|5[0-4])\\2[0-7][0-7]\\2[0-7][0-7]|\\355\\2[0-3][0-7]\\2[0-7][0-7]|\\360\\2[2-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\36[123]\\2[0-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\364\\2[01][0-7]\\2[0-7][0-7]\\2[0-7][0-7])*$'
              AND position('\xefbfbd'::bytea IN o.state_type) = 0))))
  ON CONFLICT (actor) DO UPDATE SET owner = EXCLUDED.owner, epoch = a.epoch + 1
  RETURNING a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state)
SELECT t.actor, t.epoch, t.revision, t.tags, t.state_type, t.state, w.wrapped,
       (SELECT CASE WHEN count(*) <= $2::bigint
                    THEN coalesce(string_agg(encode(r.request_id, 'hex'), ','), '') END
          FROM (SELECT d.request_id FROM "public".dedup d
                 WHERE d.actor = t.actor LIMIT $2::bigint + 1) r)
  FROM taken t LEFT JOIN "public".seeds w ON w.actor = t.actor;

SELECT id FROM "public".sessions WHERE id = $1 AND state = 'up' AND expires_ms > (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);

SELECT a.actor, a.owner, s.id, s.node_name, s.address,
                CASE WHEN s.state = 'up' AND s.expires_ms > (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) THEN 1 ELSE 0 END,
                a.actor_system, a.actor_type, a.actor_key, a.epoch, a.revision, a.tags, a.state_type, substring(a.state, 1, 0)
           FROM "public".actors a LEFT JOIN "public".sessions s ON s.id = a.owner
          WHERE a.actor IN ($1);

UPDATE "public".actors SET owner = NULL WHERE actor = $1 AND owner = $2 AND epoch = $3;

WITH asked (actor, actor_system, actor_type, actor_key) AS (VALUES ($3::bytea,$4::text,$5::text,$6::bytea),($7::bytea,$8::text,$9::text,$10::bytea)),
fenced AS (
  UPDATE "public".sessions SET state = 'fenced', up_name = NULL
   WHERE state = 'up' AND expires_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AND id <> $1::bigint
     AND id IN (SELECT o.owner FROM "public".actors o WHERE o.actor IN (SELECT q.actor FROM asked q))
  RETURNING id),
taken AS (
  INSERT INTO "public".actors AS a (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
                              commits, updated_ms, tags)
  SELECT q.actor, q.actor_system, q.actor_type, q.actor_key, $1::bigint, 1, 0, 0, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint),
         '{}'
    FROM asked q
    LEFT JOIN "public".actors o ON o.actor = q.actor
    LEFT JOIN "public".sessions s ON s.id = o.owner
   WHERE length(q.actor) = 32 AND EXISTS
         (SELECT 1 FROM "public".sessions me
           WHERE me.id = $1::bigint AND me.state = 'up' AND me.expires_ms > (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint))
     AND (o.actor IS NULL
          OR ((o.owner IS NULL OR o.owner = $1::bigint OR s.state <> 'up'
               OR o.owner IN (SELECT f.id FROM fenced f))
              AND o.actor_system = q.actor_system AND o.actor_type = q.actor_type
     AND o.actor_key = q.actor_key
     AND o.epoch >= 0 AND o.epoch < 9007199254740991
     AND o.revision >= 0 AND o.revision < 9007199254740991
     AND (o.state IS NULL) = (o.state_type IS NULL)
     AND (o.state IS NULL OR o.revision > 0)
     AND (o.tags = '{}' OR o.tags ~ '^\{("([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*":"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"(,"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*":"([^"\\\x01-\x1f�]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*")*)?\}$')
     AND (o.state_type IS NULL
          OR o.state_type = '\x6170706c69636174696f6e2f6a736f6e'::bytea
          OR (encode(o.state_type, 'escape') ~ '^([^\\]|\\\\|\\0(0[1-7]|[123][0-7])|\\177|\\3(0[2-7]|[123][0-7])\\2[0-7][0-7]|\\340\\2[4-7][0-7]\\2[0-7][0-7]|\\35[67]\\2[0-7][0-7]\\2[0-7][0-7]|\\3(4[1-7]|5[0-4])\\2[0-7][0-7]\\2[0-7][0-7]|\\355\\2[0-3][0-7]\\2[0-7][0-7]|\\360\\2[2-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\36[123]\\2[0-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\364\\2[01][0-7]\\2[0-7][0-7]\\2[0-7][0-7])*$'
              AND position('\xefbfbd'::bytea IN o.state_type) = 0))))
  ON CONFLICT (actor) DO UPDATE SET owner = EXCLUDED.owner, epoch = a.epoch + 1
  RETURNING a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state)
SELECT t.actor, t.epoch, t.revision, t.tags, t.state_type, t.state, w.wrapped,
       (SELECT CASE WHEN count(*) <= $2::bigint
                    THEN coalesce(string_agg(encode(r.request_id, 'hex'), ','), '') END
          FROM (SELECT d.request_id FROM "public".dedup d
                 WHERE d.actor = t.actor LIMIT $2::bigint + 1) r)
  FROM taken t LEFT JOIN "public".seeds w ON w.actor = t.actor;

SELECT a.actor, a.owner, s.id, s.node_name, s.address,
                CASE WHEN s.state = 'up' AND s.expires_ms > (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) THEN 1 ELSE 0 END,
                a.actor_system, a.actor_type, a.actor_key, a.epoch, a.revision, a.tags, a.state_type, substring(a.state, 1, 0)
           FROM "public".actors a LEFT JOIN "public".sessions s ON s.id = a.owner
          WHERE a.actor IN ($1, $2);
