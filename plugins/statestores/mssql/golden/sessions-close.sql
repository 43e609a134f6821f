-- @p1 bigint
UPDATE dbo.sessions SET state = 'closed', up_name = NULL WHERE id = @p1 AND state = 'up'
