-- @p1 bigint, @p2 binary(32), @p3 bigint, @p4 bigint, @p5 bigint
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms ELSE @now END
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5)) v (actor, epoch, base_revision, revision) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
  WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
  AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
  WHERE s.id = @p1 AND s.state = 'up');
SELECT w.actor FROM @won w;
COMMIT TRANSACTION;
GO
-- @p1 bigint, @p2 binary(32)
SELECT a.actor, a.epoch
  FROM dbo.actors a JOIN dbo.sessions s ON s.id = a.owner
  WHERE a.owner = @p1 AND s.state = 'up' AND a.actor IN (@p2)
