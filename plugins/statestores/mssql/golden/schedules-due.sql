-- begin transaction
GO
-- @p1 bigint
SELECT s.number FROM dbo.schedules s WITH (UPDLOCK, READPAST, ROWLOCK)
  WHERE s.due_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) AND s.held_until_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
  ORDER BY s.due_ms, s.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint
UPDATE dbo.schedules SET held_until_ms = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) + @p1 WHERE number IN (@p2)
GO
-- @p1 bigint
SELECT s.number, s.name, s.due_ms, s.repetition, s.action, s.body,
  a.actor_system, a.actor_type, a.actor_key
  FROM dbo.schedules s JOIN dbo.actors a ON a.actor = s.actor WHERE s.number IN (@p1) ORDER BY s.due_ms, s.number
GO
-- commit transaction
