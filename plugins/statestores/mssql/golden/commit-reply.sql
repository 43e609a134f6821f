-- @p1 bigint, @p2 binary(32), @p3 bigint, @p4 bigint, @p5 bigint, @p6 binary(32), @p7 varbinary(256), @p8 bigint, @p9 varbinary(max), @p10 varbinary(max)
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms ELSE @now END
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5)) v (actor, epoch, base_revision, revision) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
  WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
  AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
  WHERE s.id = @p1 AND s.state = 'up');
INSERT INTO dbo.dedup (actor, request_id, revision, committed_ms, digest, reply)
SELECT v.actor, v.request_id, v.revision, @now, v.digest, v.reply
  FROM (VALUES (@p6, @p7, @p8, @p9, @p10)) v (actor, request_id, revision, digest, reply) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dbo.dedup d
  WHERE d.actor = v.actor AND d.request_id = v.request_id);
SELECT w.actor FROM @won w;
COMMIT TRANSACTION;
