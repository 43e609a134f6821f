-- begin transaction
GO
-- @p1 bigint
SELECT s.number FROM dbo.schedules s WITH (UPDLOCK, READPAST, ROWLOCK)
  WHERE s.due_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) AND s.held_until_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
  ORDER BY s.due_ms, s.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- commit transaction
