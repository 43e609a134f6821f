-- begin transaction
GO
SELECT l.name FROM dbo.locks l WITH (UPDLOCK, ROWLOCK)
  WHERE l.name = 'outbox'
GO
-- @p1 bigint
SELECT o.number, o.message_id, o.revision, o.place, o.target_system, o.target_type,
  o.target_key, o.action, o.delay_ms, o.attempts, o.body,
  a.actor_system, a.actor_type, a.actor_key, o.dead_reason FROM dbo.outbox o JOIN dbo.actors a ON a.actor = o.actor
  WHERE o.ready_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) AND o.dead_reason IS NULL AND NOT EXISTS
  (SELECT 1 FROM dbo.outbox p
  WHERE p.actor = o.actor AND p.target = o.target AND p.number < o.number
  AND p.dead_reason IS NULL AND p.due_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) AND p.ready_ms > o.ready_ms)
  ORDER BY o.ready_ms, o.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- commit transaction
