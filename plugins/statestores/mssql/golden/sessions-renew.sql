-- @p1 bigint, @p2 bigint
UPDATE dbo.sessions SET expires_ms = DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) + @p1, renewals = renewals + 1
  WHERE id = @p2 AND state = 'up'
