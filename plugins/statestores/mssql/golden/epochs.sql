-- @p1 binary(32), @p2 binary(32)
SELECT actor, epoch FROM dbo.actors WHERE actor IN (@p1, @p2)
