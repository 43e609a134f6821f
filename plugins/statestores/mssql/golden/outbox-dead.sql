-- @p1 varbinary(32), @p2 bigint
UPDATE dbo.outbox SET dead_reason = @p1, ready_ms = 9007199254740991 WHERE number = @p2
GO
-- @p1 bigint
SELECT o.number, o.message_id, o.revision, o.place, o.target_system, o.target_type,
  o.target_key, o.action, o.delay_ms, o.attempts, o.body,
  a.actor_system, a.actor_type, a.actor_key, o.dead_reason FROM dbo.outbox o JOIN dbo.actors a ON a.actor = o.actor
  WHERE o.ready_ms = 9007199254740991 AND o.dead_reason IS NOT NULL ORDER BY o.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
