-- @p1 bigint, @p2 bigint, @p3 binary(32), @p4 varchar(63), @p5 varchar(63), @p6 varbinary(256)
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @asked TABLE (actor binary(32) NOT NULL PRIMARY KEY,
  actor_system varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  actor_type varchar(63) COLLATE Latin1_General_BIN2 NOT NULL, actor_key varbinary(256) NOT NULL);
DECLARE @taken TABLE (actor binary(32) NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
INSERT INTO @asked (actor, actor_system, actor_type, actor_key)
SELECT v.actor, v.actor_system, v.actor_type, v.actor_key
  FROM (VALUES (@p3, @p4, @p5, @p6)) v (actor, actor_system, actor_type, actor_key)
  WHERE v.actor IS NOT NULL AND EXISTS
  (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
  WHERE s.id = @p1 AND s.state = 'up' AND s.expires_ms > @now);
UPDATE dbo.sessions SET state = 'fenced', up_name = NULL
  WHERE state = 'up' AND expires_ms <= @now AND id <> @p1 AND id IN
  (SELECT a.owner FROM @asked k JOIN dbo.actors a ON a.actor = k.actor);
UPDATE a SET owner = @p1, epoch = a.epoch + 1
OUTPUT inserted.actor INTO @taken
  FROM @asked k INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = k.actor
  WHERE a.actor_system = k.actor_system AND a.actor_type = k.actor_type
  AND a.actor_key = k.actor_key
  AND a.epoch >= 0 AND a.epoch < 9007199254740991 AND a.revision >= 0 AND a.revision < 9007199254740991
  AND (a.state IS NULL OR a.revision > 0)
  AND ((a.state IS NULL AND a.state_type IS NULL) OR (a.state IS NOT NULL AND a.state_type IS NOT NULL))
  AND ISJSON(a.tags) = 1
  AND (a.owner IS NULL OR a.owner = @p1 OR EXISTS
  (SELECT 1 FROM dbo.sessions s WHERE s.id = a.owner AND s.state <> 'up'));
INSERT INTO dbo.actors (actor, actor_system, actor_type, actor_key, owner, epoch, revision,
  commits, updated_ms, tags)
OUTPUT inserted.actor INTO @taken
SELECT k.actor, k.actor_system, k.actor_type, k.actor_key, @p1, 1, 0, 0, @now, N'{}'
  FROM @asked k
  WHERE NOT EXISTS (SELECT 1 FROM @taken t WHERE t.actor = k.actor) AND NOT EXISTS
  (SELECT 1 FROM dbo.actors a WITH (UPDLOCK, SERIALIZABLE) WHERE a.actor = k.actor);
SELECT a.actor, a.epoch, a.revision, a.tags, a.state_type, a.state, w.wrapped,
  (SELECT CASE WHEN COUNT_BIG(*) = @p2 THEN NULL
  ELSE COALESCE(STRING_AGG(CONVERT(varchar(max), d.request_id, 2), ','), '') END
  FROM (SELECT r.request_id FROM dbo.dedup r WHERE r.actor = a.actor
  ORDER BY r.request_id OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY) d) AS request_ids
  FROM @taken t JOIN dbo.actors a ON a.actor = t.actor
  LEFT JOIN dbo.seeds w ON w.actor = a.actor;
COMMIT TRANSACTION;
