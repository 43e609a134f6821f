-- @p1 bigint, @p2 binary(32), @p3 bigint
UPDATE dbo.actors SET owner = NULL WHERE owner = @p1 AND ((actor = @p2 AND epoch = @p3))
