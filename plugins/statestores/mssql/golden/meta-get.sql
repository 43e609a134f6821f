-- @p1 varbinary(32)
SELECT value FROM dbo.meta WHERE name = @p1
