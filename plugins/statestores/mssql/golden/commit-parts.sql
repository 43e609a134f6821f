DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = @now, tags = v.tags, state_type = v.state_type, state = v.state
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5, @p6, @p7, @p8),
  (@p9, @p10, @p11, @p12, @p13, @p14, @p15)) v (actor, epoch, base_revision, revision, tags, state_type, state) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
 WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
   AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
     WHERE s.id = @p1 AND s.state = 'up');
SELECT w.actor FROM @won w;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DECLARE @won TABLE (actor binary(32) NOT NULL PRIMARY KEY);
UPDATE a SET commits = a.commits + 1, revision = v.revision, updated_ms = CASE WHEN v.revision = v.base_revision THEN a.updated_ms ELSE @now END
OUTPUT inserted.actor INTO @won
  FROM (VALUES (@p2, @p3, @p4, @p5),
  (@p6, @p7, @p8, @p9)) v (actor, epoch, base_revision, revision) INNER LOOP JOIN dbo.actors a WITH (ROWLOCK) ON a.actor = v.actor
 WHERE a.owner = @p1 AND a.epoch = v.epoch AND a.revision = v.base_revision
   AND EXISTS (SELECT 1 FROM dbo.sessions s WITH (READCOMMITTEDLOCK)
     WHERE s.id = @p1 AND s.state = 'up');
SELECT w.actor FROM @won w;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE FROM dbo.outbox WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1),
  (@p2)) v (actor));
DELETE FROM dbo.schedules WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1),
  (@p2)) v (actor));
UPDATE dbo.dedup SET digest = 0x, reply = 0x WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1),
  (@p2)) v (actor));
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
INSERT INTO dbo.dedup (actor, request_id, revision, committed_ms, digest, reply)
SELECT v.actor, v.request_id, v.revision, @now, v.digest, v.reply
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5),
  (@p6, @p7, @p8, @p9, @p10)) v (actor, request_id, revision, digest, reply)
 WHERE v.actor IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dbo.dedup d
   WHERE d.actor = v.actor AND d.request_id = v.request_id);
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE FROM dbo.actor_tags WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1),
  (@p2)) v (actor));
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
INSERT INTO dbo.actor_tags (tag, actor_type, actor_key, actor)
SELECT v.tag, v.actor_type, v.actor_key, v.actor
  FROM (VALUES (@p1, @p2, @p3, @p4),
  (@p5, @p6, @p7, @p8)) v (actor, tag, actor_type, actor_key)
 WHERE v.actor IS NOT NULL;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
INSERT INTO dbo.outbox (actor, target, target_system, target_type, target_key,
  message_id, revision, place, action, delay_ms, due_ms, ready_ms, attempts, body)
SELECT v.actor, v.target, v.target_system, v.target_type, v.target_key, v.message_id,
  v.revision, v.place, v.action, v.delay_ms, @now + v.delay_ms, @now + v.delay_ms, 0, v.body
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12),
  (@p13, @p14, @p15, @p16, @p17, @p18, @p19, @p20, @p21, @p22, @p23, @p24)) v (actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, body, position)
 WHERE v.actor IS NOT NULL
 ORDER BY v.position;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE o FROM dbo.schedules o WHERE EXISTS (SELECT 1
  FROM (VALUES (@p1, @p2),
  (@p3, @p4)) v (actor, name)
 WHERE v.actor = o.actor AND v.name = o.name);
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
INSERT INTO dbo.schedules (actor, name, due_ms, held_until_ms, action, repetition, body)
SELECT v.actor, v.name, v.due_ms, 0, v.action, v.repetition, v.body
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6),
  (@p7, @p8, @p9, @p10, @p11, @p12)) v (actor, name, due_ms, action, repetition, body)
 WHERE v.actor IS NOT NULL;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1 FROM (SELECT h.actor, h.revision,
    v.keep, ROW_NUMBER() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
  FROM (VALUES (@p1, @p2),
  (@p3, @p4)) v (actor, keep) JOIN dbo.history h ON h.actor = v.actor) r
 WHERE r.place > r.keep AND r.actor = o.actor AND r.revision = o.revision);
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6),
  (@p7, @p8, @p9, @p10, @p11, @p12)) v (actor, revision, action, tags, state_type, state)
 WHERE v.actor = o.actor AND v.revision = o.revision);
INSERT INTO dbo.history (actor, revision, committed_ms, action, tags, state_type, state)
SELECT v.actor, v.revision, @now, v.action, v.tags, v.state_type, v.state
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6),
  (@p7, @p8, @p9, @p10, @p11, @p12)) v (actor, revision, action, tags, state_type, state)
 WHERE v.actor IS NOT NULL;
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE FROM dbo.seeds WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1),
  (@p2)) v (actor));
GO
DECLARE @now bigint = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME());
DELETE FROM dbo.seeds WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p1, @p2),
  (@p3, @p4)) v (actor, wrapped));
INSERT INTO dbo.seeds (actor, wrapped)
SELECT v.actor, v.wrapped
  FROM (VALUES (@p1, @p2),
  (@p3, @p4)) v (actor, wrapped)
 WHERE v.actor IS NOT NULL;
