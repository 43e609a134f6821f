-- @p1 varchar(8000), @p2 varchar(8000), @p3 bigint
SELECT t.actor_system, t.actor_type, t.spec
  FROM dbo.types t 
  WHERE (t.actor_system > @p1 OR t.actor_system = @p1 AND t.actor_type > @p2) ORDER BY t.actor_system, t.actor_type OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY
GO
-- @p1 varbinary(32), @p2 bigint
SELECT t.name, t.value
  FROM dbo.meta t 
  WHERE t.name > @p1 ORDER BY t.name OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- @p1 varbinary(32), @p2 bigint
SELECT t.actor, t.actor_system, t.actor_type, t.actor_key, t.epoch, t.revision, t.tags, t.state_type, t.state, t.updated_ms
  FROM dbo.actors t 
  WHERE t.actor > @p1 ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- @p1 varbinary(32), @p2 bigint
SELECT t.actor, t.wrapped, a.actor_system, a.actor_type, a.actor_key
  FROM dbo.seeds t LEFT JOIN dbo.actors a ON a.actor = t.actor
  WHERE t.actor > @p1 ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- @p1 varbinary(32), @p2 bigint, @p3 bigint
SELECT t.actor, t.revision, t.revision, t.committed_ms, t.tags, t.action, t.state_type, t.state, a.actor_system, a.actor_type, a.actor_key
  FROM dbo.history t LEFT JOIN dbo.actors a ON a.actor = t.actor
  WHERE (t.actor > @p1 OR t.actor = @p1 AND t.revision > @p2) ORDER BY t.actor, t.revision OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint
SELECT t.actor, t.request_id, t.request_id, t.digest, t.revision, t.reply, t.committed_ms, a.actor_system, a.actor_type, a.actor_key
  FROM dbo.dedup t LEFT JOIN dbo.actors a ON a.actor = t.actor
  WHERE (t.actor > @p1 OR t.actor = @p1 AND t.request_id > @p2) ORDER BY t.actor, t.request_id OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint
SELECT t.number, t.message_id, t.revision, t.place, t.target_system, t.target_type, t.target_key, t.action, t.delay_ms, t.body, t.due_ms, t.attempts, t.dead_reason, a.actor_system, a.actor_type, a.actor_key
  FROM dbo.outbox t LEFT JOIN dbo.actors a ON a.actor = t.actor
  WHERE t.number > @p1 ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint
SELECT t.number, t.name, t.due_ms, t.repetition, t.action, t.body, a.actor_system, a.actor_type, a.actor_key
  FROM dbo.schedules t LEFT JOIN dbo.actors a ON a.actor = t.actor
  WHERE t.number > @p1 ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- begin transaction
GO
-- @p1 varbinary(32), @p2 varbinary(32)
UPDATE t SET value = v.value
  FROM (VALUES (@p1, @p2)) v (name, value) INNER LOOP JOIN dbo.meta t WITH (UPDLOCK, SERIALIZABLE) ON v.name = t.name;
INSERT INTO dbo.meta (name, value)
SELECT v.name, v.value
  FROM (VALUES (@p1, @p2)) v (name, value)
  WHERE NOT EXISTS (SELECT 1 FROM dbo.meta t WITH (UPDLOCK, SERIALIZABLE) WHERE v.name = t.name);
GO
-- @p1 binary(32), @p2 varchar(8000), @p3 varchar(8000), @p4 varbinary(32), @p5 varbinary(1), @p6 bigint, @p7 bigint, @p8 bigint, @p9 bigint, @p10 varchar(8000), @p11 varbinary(1), @p12 varbinary(1), @p13 binary(32), @p14 varchar(8000), @p15 varchar(8000), @p16 varbinary(32), @p17 varbinary(1), @p18 bigint, @p19 bigint, @p20 bigint, @p21 bigint, @p22 varchar(8000), @p23 varbinary(1), @p24 varbinary(1), @p25 binary(32), @p26 varchar(8000), @p27 varchar(8000), @p28 varbinary(32), @p29 varbinary(1), @p30 bigint, @p31 bigint, @p32 bigint, @p33 bigint, @p34 varchar(8000), @p35 varbinary(1), @p36 varbinary(1), @p37 binary(32), @p38 varchar(8000), @p39 varchar(8000), @p40 varbinary(32), @p41 varbinary(1), @p42 bigint, @p43 bigint, @p44 bigint, @p45 bigint, @p46 varchar(8000), @p47 varbinary(1), @p48 varbinary(1)
UPDATE t SET actor_system = v.actor_system, actor_type = v.actor_type, actor_key = v.actor_key, owner = v.owner, epoch = v.epoch, revision = v.revision, commits = v.commits, updated_ms = v.updated_ms, tags = v.tags, state_type = v.state_type, state = v.state
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12),
  (@p13, @p14, @p15, @p16, @p17, @p18, @p19, @p20, @p21, @p22, @p23, @p24),
  (@p25, @p26, @p27, @p28, @p29, @p30, @p31, @p32, @p33, @p34, @p35, @p36),
  (@p37, @p38, @p39, @p40, @p41, @p42, @p43, @p44, @p45, @p46, @p47, @p48)) v (actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state) INNER LOOP JOIN dbo.actors t WITH (UPDLOCK, SERIALIZABLE) ON v.actor = t.actor;
INSERT INTO dbo.actors (actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state)
SELECT v.actor, v.actor_system, v.actor_type, v.actor_key, v.owner, v.epoch, v.revision, v.commits, v.updated_ms, v.tags, v.state_type, v.state
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12),
  (@p13, @p14, @p15, @p16, @p17, @p18, @p19, @p20, @p21, @p22, @p23, @p24),
  (@p25, @p26, @p27, @p28, @p29, @p30, @p31, @p32, @p33, @p34, @p35, @p36),
  (@p37, @p38, @p39, @p40, @p41, @p42, @p43, @p44, @p45, @p46, @p47, @p48)) v (actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state)
  WHERE NOT EXISTS (SELECT 1 FROM dbo.actors t WITH (UPDLOCK, SERIALIZABLE) WHERE v.actor = t.actor);
GO
-- @p1 binary(32), @p2 binary(32), @p3 binary(32), @p4 binary(32)
DELETE FROM dbo.actor_tags WHERE actor IN (@p1, @p2, @p3, @p4)
GO
-- @p1 binary(32), @p2 varbinary(32), @p3 bigint, @p4 bigint, @p5 varbinary(32), @p6 varbinary(32)
UPDATE t SET revision = v.revision, committed_ms = v.committed_ms, digest = v.digest, reply = v.reply
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6)) v (actor, request_id, revision, committed_ms, digest, reply) INNER LOOP JOIN dbo.dedup t WITH (UPDLOCK, SERIALIZABLE) ON v.actor = t.actor AND v.request_id = t.request_id;
INSERT INTO dbo.dedup (actor, request_id, revision, committed_ms, digest, reply)
SELECT v.actor, v.request_id, v.revision, v.committed_ms, v.digest, v.reply
  FROM (VALUES (@p1, @p2, @p3, @p4, @p5, @p6)) v (actor, request_id, revision, committed_ms, digest, reply)
  WHERE NOT EXISTS (SELECT 1 FROM dbo.dedup t WITH (UPDLOCK, SERIALIZABLE) WHERE v.actor = t.actor AND v.request_id = t.request_id);
GO
-- commit transaction
