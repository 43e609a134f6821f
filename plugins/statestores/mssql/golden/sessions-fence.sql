-- @p1 bigint
UPDATE dbo.sessions SET state = 'fenced', up_name = NULL WHERE id = @p1 AND state = 'up' AND expires_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
GO
-- @p1 bigint
SELECT id FROM dbo.sessions WHERE id = @p1 AND state = 'up'
