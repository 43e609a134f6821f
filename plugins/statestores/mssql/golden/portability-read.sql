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
