-- @p1 binary(32), @p2 varbinary(32)
SELECT digest, revision, reply FROM dbo.dedup WHERE actor = @p1 AND request_id = @p2
