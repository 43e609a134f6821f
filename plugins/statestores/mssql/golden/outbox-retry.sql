-- @p1 bigint, @p2 bigint
UPDATE dbo.outbox SET ready_ms = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) + @p1 WHERE number = @p2 AND dead_reason IS NULL
