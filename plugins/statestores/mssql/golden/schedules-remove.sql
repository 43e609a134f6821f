-- @p1 bigint, @p2 bigint
DELETE FROM dbo.schedules WHERE number = @p1 AND due_ms = @p2
