-- @p1 bigint, @p2 binary(32), @p3 bigint, @p4 bigint, @p5 bigint, @p6 nvarchar(max), @p7 varbinary(max), @p8 varbinary(max), @p9 binary(32), @p10 binary(32), @p11 binary(32), @p12 bigint, @p13 binary(32), @p14 bigint, @p15 varchar(63), @p16 nvarchar(max), @p17 varbinary(max), @p18 varbinary(max), @p19 binary(32)
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
BEGIN TRANSACTION;
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = @now, tags = v.tags, state_type = v.state_type, state = v.state
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5, @p6, @p7, @p8)) v (actor, epoch, base_revision, revision, tags, state_type, state) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
  WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
  AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
  WHERE s.id = @p1 AND s.state = 'up');
DELETE FROM dbo.outbox WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p9)) v (actor) JOIN @won w ON w.actor = v.actor);
DELETE FROM dbo.schedules WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p9)) v (actor) JOIN @won w ON w.actor = v.actor);
UPDATE dbo.dedup SET digest = 0x, reply = 0x WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p9)) v (actor) JOIN @won w ON w.actor = v.actor);
DELETE FROM dbo.actor_tags WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p10)) v (actor) JOIN @won w ON w.actor = v.actor);
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1 FROM (SELECT h.actor, h.revision,
  v.keep, ROW_NUMBER() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
  FROM (VALUES (@p11, @p12)) v (actor, keep) JOIN @won w ON w.actor = v.actor JOIN dbo.history h ON h.actor = v.actor) r
  WHERE r.place > r.keep AND r.actor = o.actor AND r.revision = o.revision);
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1
  FROM (VALUES (@p13, @p14, @p15, @p16, @p17, @p18)) v (actor, revision, action, tags, state_type, state) JOIN @won w ON w.actor = v.actor
  WHERE v.actor = o.actor AND v.revision = o.revision);
INSERT INTO dbo.history (actor, revision, committed_ms, action, tags, state_type, state)
SELECT v.actor, v.revision, @now, v.action, v.tags, v.state_type, v.state
  FROM (VALUES (@p13, @p14, @p15, @p16, @p17, @p18)) v (actor, revision, action, tags, state_type, state) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL;
DELETE FROM dbo.seeds WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p19)) v (actor) JOIN @won w ON w.actor = v.actor);
SELECT w.actor FROM @won w;
COMMIT TRANSACTION;
