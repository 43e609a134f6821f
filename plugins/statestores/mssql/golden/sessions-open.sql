-- begin transaction
GO
DELETE FROM dbo.sessions WHERE state <> 'up' AND expires_ms < DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) - 86400000
GO
-- @p1 varbinary(32)
UPDATE dbo.sessions SET state = 'fenced', up_name = NULL WHERE up_name = @p1
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 varbinary(32)
INSERT INTO dbo.sessions
  (node_name, up_name, boot_id, state, expires_ms, renewals, address)
  VALUES (@p1, @p2, @p3, 'up', DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) + @p4, 0, @p5)
GO
-- @p1 varbinary(32)
SELECT id, expires_ms - DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) FROM dbo.sessions WHERE up_name = @p1
GO
-- commit transaction
