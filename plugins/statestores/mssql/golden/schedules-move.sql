-- @p1 bigint, @p2 bigint, @p3 bigint
UPDATE dbo.schedules SET due_ms = @p1, held_until_ms = 0 WHERE number = @p2 AND due_ms = @p3
