-- @p1 varchar(8000), @p2 varchar(8000), @p3 varbinary(32), @p4 bigint
SELECT a.actor, a.actor_key FROM dbo.actors a
  WHERE a.actor_system = @p1 AND a.actor_type = @p2 AND a.actor_key > @p3
  AND EXISTS (SELECT 1 FROM dbo.history h WHERE h.actor = a.actor)
  ORDER BY a.actor_key OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint, @p3 binary(32)
SELECT r.actor, r.revision FROM
  (SELECT h.actor, h.revision, h.committed_ms,
  row_number() OVER (PARTITION BY h.actor ORDER BY h.revision DESC) AS place
  FROM dbo.history h WHERE h.actor IN (@p3)) r
  WHERE r.place > @p1 ORDER BY r.actor, r.revision OFFSET 0 ROWS FETCH NEXT @p2 ROWS ONLY
GO
-- @p1 binary(32), @p2 bigint
DELETE FROM dbo.history WHERE (actor = @p1 AND revision = @p2)
