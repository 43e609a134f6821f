-- @p1 bigint
DELETE FROM dbo.outbox WHERE number IN (@p1)
