-- @p1 bigint, @p2 binary(32), @p3 bigint, @p4 bigint, @p5 bigint, @p6 nvarchar(max), @p7 varbinary(max), @p8 varbinary(max), @p9 binary(32), @p10 varbinary(256), @p11 bigint, @p12 varbinary(max), @p13 varbinary(max), @p14 binary(32), @p15 binary(32), @p16 binary(32), @p17 binary(32), @p18 varchar(63), @p19 varbinary(256), @p20 binary(32), @p21 binary(32), @p22 varchar(63), @p23 varbinary(256), @p24 binary(32), @p25 binary(32), @p26 varchar(63), @p27 varchar(63), @p28 varbinary(256), @p29 varbinary(256), @p30 bigint, @p31 bigint, @p32 varchar(63), @p33 bigint, @p34 varbinary(max), @p35 bigint, @p36 binary(32), @p37 binary(32), @p38 varchar(63), @p39 varchar(63), @p40 varbinary(256), @p41 varbinary(256), @p42 bigint, @p43 bigint, @p44 varchar(63), @p45 bigint, @p46 varbinary(max), @p47 bigint, @p48 binary(32), @p49 varbinary(256), @p50 binary(32), @p51 varbinary(256), @p52 binary(32), @p53 varbinary(256), @p54 bigint, @p55 varchar(63), @p56 varbinary(max), @p57 varbinary(max), @p58 binary(32), @p59 varbinary(256), @p60 bigint, @p61 varchar(63), @p62 varbinary(max), @p63 varbinary(max), @p64 binary(32), @p65 bigint, @p66 binary(32), @p67 bigint, @p68 binary(32), @p69 bigint, @p70 varchar(63), @p71 nvarchar(max), @p72 varbinary(max), @p73 varbinary(max), @p74 binary(32), @p75 bigint, @p76 varchar(63), @p77 nvarchar(max), @p78 varbinary(max), @p79 varbinary(max), @p80 binary(32), @p81 varbinary(max), @p82 binary(32), @p83 varbinary(max)
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
  FROM (VALUES (@p14),
  (@p15)) v (actor) JOIN @won w ON w.actor = v.actor);
INSERT INTO dbo.actor_tags (tag, actor_type, actor_key, actor)
SELECT v.tag, v.actor_type, v.actor_key, v.actor
  FROM (VALUES (@p16, @p17, @p18, @p19),
  (@p20, @p21, @p22, @p23)) v (actor, tag, actor_type, actor_key) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL;
INSERT INTO dbo.outbox (actor, target, target_system, target_type, target_key,
  message_id, revision, place, action, delay_ms, due_ms, ready_ms, attempts, body)
SELECT v.actor, v.target, v.target_system, v.target_type, v.target_key, v.message_id,
  v.revision, v.place, v.action, v.delay_ms, @now + v.delay_ms, @now + v.delay_ms, 0, v.body
  FROM (VALUES (@p24, @p25, @p26, @p27, @p28, @p29, @p30, @p31, @p32, @p33, @p34, @p35),
  (@p36, @p37, @p38, @p39, @p40, @p41, @p42, @p43, @p44, @p45, @p46, @p47)) v (actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, body, position) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL
  ORDER BY v.position;
DELETE o FROM dbo.schedules o WHERE EXISTS (SELECT 1
  FROM (VALUES (@p48, @p49),
  (@p50, @p51)) v (actor, name) JOIN @won w ON w.actor = v.actor
  WHERE v.actor = o.actor AND v.name = o.name);
INSERT INTO dbo.schedules (actor, name, due_ms, held_until_ms, action, repetition, body)
SELECT v.actor, v.name, v.due_ms, 0, v.action, v.repetition, v.body
  FROM (VALUES (@p52, @p53, @p54, @p55, @p56, @p57),
  (@p58, @p59, @p60, @p61, @p62, @p63)) v (actor, name, due_ms, action, repetition, body) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL;
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1 FROM (SELECT h.actor, h.revision,
  v.keep, ROW_NUMBER() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
  FROM (VALUES (@p64, @p65),
  (@p66, @p67)) v (actor, keep) JOIN @won w ON w.actor = v.actor JOIN dbo.history h ON h.actor = v.actor) r
  WHERE r.place > r.keep AND r.actor = o.actor AND r.revision = o.revision);
DELETE o FROM dbo.history o WHERE EXISTS (SELECT 1
  FROM (VALUES (@p68, @p69, @p70, @p71, @p72, @p73),
  (@p74, @p75, @p76, @p77, @p78, @p79)) v (actor, revision, action, tags, state_type, state) JOIN @won w ON w.actor = v.actor
  WHERE v.actor = o.actor AND v.revision = o.revision);
INSERT INTO dbo.history (actor, revision, committed_ms, action, tags, state_type, state)
SELECT v.actor, v.revision, @now, v.action, v.tags, v.state_type, v.state
  FROM (VALUES (@p68, @p69, @p70, @p71, @p72, @p73),
  (@p74, @p75, @p76, @p77, @p78, @p79)) v (actor, revision, action, tags, state_type, state) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL;
DELETE FROM dbo.seeds WHERE actor IN (SELECT v.actor
  FROM (VALUES (@p80, @p81),
  (@p82, @p83)) v (actor, wrapped) JOIN @won w ON w.actor = v.actor);
INSERT INTO dbo.seeds (actor, wrapped)
SELECT v.actor, v.wrapped
  FROM (VALUES (@p80, @p81),
  (@p82, @p83)) v (actor, wrapped) JOIN @won w ON w.actor = v.actor
  WHERE v.actor IS NOT NULL;
SELECT w.actor FROM @won w;
COMMIT TRANSACTION;
