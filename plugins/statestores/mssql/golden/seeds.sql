-- @p1 binary(32)
SELECT actor, wrapped FROM dbo.seeds WHERE actor IN (@p1)
