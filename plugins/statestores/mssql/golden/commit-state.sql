-- @p1 bigint, @p2 binary(32), @p3 bigint, @p4 bigint, @p5 bigint, @p6 nvarchar(max), @p7 varbinary(max), @p8 varbinary(max), @p9 binary(32), @p10 varbinary(256), @p11 bigint, @p12 varbinary(max), @p13 varbinary(max), @p14 binary(32)
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = @now, tags = v.tags, state_type = v.state_type, state = v.state
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5, @p6, @p7, @p8)) v (actor, epoch, base_revision, revision, tags, state_type, state) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
  WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
  AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
  WHERE s.id = @p1 AND s.state = 'up');
INSERT INTO dbo.dedup (actor, request_id, revision, committed_ms, digest, reply)
SELECT v.actor, v.request_id, v.revision, @now, v.digest, v.reply
  FROM (VALUES (@p9, @p10, @p11, @p12, @p13)) v (actor, request_id, revision, digest, reply) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dbo.dedup d
  WHERE d.actor = v.actor AND d.request_id = v.request_id);
DELETE FROM dbo.actor_tags WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p14)) v (actor) JOIN @won w ON w.actor = v.actor);
SELECT w.actor FROM @won w;
COMMIT TRANSACTION;
