-- @p1 bigint
UPDATE dbo.sessions SET state = 'fenced', up_name = NULL WHERE id = @p1 AND state = 'up'
GO
-- @p1 bigint
SELECT id FROM dbo.sessions WHERE id = @p1 AND state = 'up'
